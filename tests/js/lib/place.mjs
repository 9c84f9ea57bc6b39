// A small tenant to click on.

export const FLAGS = '/api/v1/tenants/demo/flags';
export const settings = (flag, environment = 'development') => `${FLAGS}/${flag}/environments/${environment}`;

/** Tenant `demo` with two environments and three boolean flags, on in `development`. */
export async function furnish(node) {
  await node.must('POST', '/api/v1/tenants', { key: 'demo', name: 'Demo' });
  for (const key of ['development', 'production']) {
    await node.must('POST', '/api/v1/tenants/demo/environments', { key });
  }
  for (const key of ['checkout', 'search', 'banner']) {
    await node.must('POST', FLAGS, { key, variants: { on: true, off: false } });
    await node.must('PATCH', settings(key), { state: 'ENABLED', defaultVariant: 'on' });
  }
}
