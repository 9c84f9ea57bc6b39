// The OpenFeature SDK, as an application uses it: one client for each node that it asks.
import { OFREPProvider } from '@openfeature/ofrep-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { TOKEN } from './node.mjs';

let domains = 0;

/** A client whose provider asks this node's `demo/development`, or another place, with the node's token or another. */
export async function client(node, { place = 'demo/development', token = TOKEN } = {}) {
  const domain = `node-${(domains += 1)}`;
  const provider = new OFREPProvider({
    baseUrl: `${node.url}/e/${place}`,
    headers: [['Authorization', `Bearer ${token}`]],
  });
  await OpenFeature.setProviderAndWait(domain, provider);
  return OpenFeature.getClient(domain);
}

const methods = {
  boolean: ['getBooleanDetails', false],
  string: ['getStringDetails', 'code default'],
  number: ['getNumberDetails', -999],
  object: ['getObjectDetails', { code: 'default' }],
};

/** Evaluates with the accessor of a type; gives the details and the default that was passed. */
export async function details(sdk, type, flag, context) {
  const [method, fallback] = methods[type];
  return { fallback, ...(await sdk[method](flag, fallback, context)) };
}
