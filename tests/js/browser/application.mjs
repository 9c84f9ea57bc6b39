// An application in a browser: the web SDK with OFREP's provider or flagd's, for the test to call.
import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk';

const methods = {
  boolean: ['getBooleanDetails', false],
  string: ['getStringDetails', 'code default'],
  number: ['getNumberDetails', -999],
  object: ['getObjectDetails', { code: 'default' }],
};

function provider(kind, { url, grpc, token }) {
  if (kind === 'ofrep') {
    return new OFREPWebProvider({ baseUrl: `${url}/e/demo/development`, headers: [['Authorization', `Bearer ${token}`]] });
  }
  const [host, port] = grpc.split(':');
  const show = (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    request.header.set('flagd-selector', 'flagSetId=demo/development');
    return next(request);
  };
  return new FlagdWebProvider({ host, port: Number(port), tls: false, interceptors: [show], maxDelay: 500 });
}

window.application = {
  changes: 0,
  async start(kind, node, context) {
    await OpenFeature.setContext(context);
    await OpenFeature.setProviderAndWait(provider(kind, node));
    this.client = OpenFeature.getClient();
    this.client.addHandler(ProviderEvents.ConfigurationChanged, () => (this.changes += 1));
  },
  be: (context) => OpenFeature.setContext(context),
  /** The details of flags, each asked for with the accessor of its type. */
  ask(flags) {
    return flags.map(([flag, type]) => {
      const [method, fallback] = methods[type];
      return { fallback, ...this.client[method](flag, fallback) };
    });
  },
};
