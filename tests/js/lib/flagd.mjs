// The SDK with flagd's providers, as an application uses it: one client for each way to ask a node.
import { FlagdProvider } from '@openfeature/flagd-provider';
import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { OpenFeature as WebOpenFeature } from '@openfeature/web-sdk';
import { TOKEN } from './node.mjs';

let domains = 0;

function address(node) {
  const [host, port] = node.grpc.split(':');
  return { host, port: Number(port), tls: false };
}

/** A client of a server: `rpc` asks the node, `in-process` has its flags. Neither can show a token. */
export async function serverClient(node, resolverType, options = {}) {
  const domain = `flagd-${(domains += 1)}`;
  const provider = new FlagdProvider({ ...address(node), resolverType, deadlineMs: 10_000, retryBackoffMaxMs: 500, ...options });
  await OpenFeature.setProviderAndWait(domain, provider);
  return OpenFeature.getClient(domain);
}

/** A client of a browser, by Connect, with the node's token and a selector. */
export async function webClient(node, place = 'demo/development') {
  const show = (next) => (request) => {
    request.header.set('authorization', `Bearer ${TOKEN}`);
    request.header.set('flagd-selector', `flagSetId=${place}`);
    return next(request);
  };
  const domain = `flagd-web-${(domains += 1)}`;
  const provider = new FlagdWebProvider({ ...address(node), interceptors: [show], maxDelay: 500 });
  await WebOpenFeature.setProviderAndWait(domain, provider);
  return WebOpenFeature.getClient(domain);
}

/** The web SDK has one context for all evaluations. */
export function webContext(context) {
  return WebOpenFeature.setContext(context);
}

/** Closes all; the web provider tries to connect for ever all the same, so the run is ended by force. */
export async function end() {
  await Promise.all([OpenFeature.close(), WebOpenFeature.close()]);
}
