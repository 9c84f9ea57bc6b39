import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(js|css|svg|html)$/;

/** Writes NAME.gz beside each file that compresses, so that the server can send it as it is. */
const gzip: Plugin = {
  name: 'gzip',
  apply: 'build',
  generateBundle: {
    order: 'post',
    handler(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (!COMPRESSIBLE.test(file.fileName)) continue;
        const content = file.type === 'chunk' ? file.code : file.source;
        this.emitFile({ type: 'asset', fileName: `${file.fileName}.gz`, source: gzipSync(content, { level: 9 }) });
      }
    },
  },
};

export default defineConfig({
  plugins: [react(), gzip],
  build: {
    target: 'es2022',
    // below these, Lightning CSS rewrites light-dark() into variables that Mantine's scheme switch never sets
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    sourcemap: false,
    // npm runs this from a build script: sizes are of no use there
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': process.env.BURGEE_URL ?? 'http://127.0.0.1:8080' } },
});
