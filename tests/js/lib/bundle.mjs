// An application for browsers in one file, and the origin that serves it.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

// the bundler that the dashboard is built with
const require = createRequire(new URL('../../../flags-ui/package.json', import.meta.url));
const { rolldown } = await import(pathToFileURL(require.resolve('rolldown')));

async function bundled(entry) {
  const build = await rolldown({ input: fileURLToPath(entry), platform: 'browser', logLevel: 'silent' });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  return output[0].code;
}

/** Serves a page with the application on an origin of its own: `{url, end}`. */
export async function serve(entry) {
  const code = await bundled(entry);
  const server = createServer((request, response) => {
    const isScript = request.url === '/application.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? code : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/application.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, end: () => server.close() };
}
