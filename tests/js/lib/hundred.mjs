// A flagd document of a hundred flags: every kind of answer and every operator that can decide one.

const onOff = { on: true, off: false };
const plans = ['free', 'pro', 'team', 'enterprise'];
const countries = ['AT', 'DE', 'FR', 'NL', 'PL', 'SE', 'US', 'JP'];

/** Flags that answer the same for everybody. */
function fixed(flags) {
  for (let i = 0; i < 10; i += 1) {
    flags[`static-boolean-${i}`] = { state: 'ENABLED', variants: onOff, defaultVariant: i % 2 ? 'off' : 'on' };
  }
  for (let i = 0; i < 10; i += 1) {
    flags[`static-text-${i}`] = {
      state: 'ENABLED',
      variants: { long: `Text number ${i}, with "quotes", a \\ and ünïcödé 🚩`, short: '' },
      defaultVariant: i === 9 ? 'short' : 'long',
    };
  }
  const numbers = [0, -1, 1.5, 42, 1e21, 9007199254740991, 0.1, -0.25, 3, 1e-7];
  numbers.forEach((number, i) => {
    flags[`static-number-${i}`] = { state: 'ENABLED', variants: { it: number, other: 7 }, defaultVariant: 'it' };
  });
  for (let i = 0; i < 5; i += 1) {
    flags[`static-object-${i}`] = {
      state: 'ENABLED',
      variants: { full: { limit: i, nested: { list: [1, 'two', { three: true }], none: null } }, empty: {} },
      defaultVariant: i === 4 ? 'empty' : 'full',
      metadata: { owner: `team-${i}`, order: i, live: true },
    };
  }
}

/** Flags whose rule chooses by what is known of the user. */
function targeted(flags) {
  const rules = [
    { if: [{ in: [{ var: 'plan' }, ['pro', 'team']] }, 'on'] },
    { if: [{ '==': [{ var: 'plan' }, 'free'] }, 'off', 'on'] },
    { if: [{ ends_with: [{ var: 'email' }, '@burgee.example'] }, 'on', { '===': [{ var: 'country' }, 'DE'] }, 'on', 'off'] },
    { if: [{ starts_with: [{ var: 'email' }, 'admin'] }, 'on', null] },
    { if: [{ sem_ver: [{ var: 'version' }, '>=', '2.1.0'] }, 'on', 'off'] },
    { if: [{ sem_ver: [{ var: 'version' }, '^', '1.0.0'] }, 'on', 'off'] },
    { if: [{ and: [{ '>=': [{ var: 'age' }, 18] }, { '<': [{ var: 'age' }, 65] }] }, 'on', 'off'] },
    { if: [{ '<': [17, { var: 'age' }, 65] }, 'on', 'off'] },
    { if: [{ or: [{ '!': { var: 'email' } }, { '!!': { var: 'beta' } }] }, 'on', 'off'] },
    { if: [{ '!=': [{ var: 'country' }, 'US'] }, 'on', 'off'] },
    { if: [{ '!==': [{ var: 'age' }, 30] }, 'on', 'off'] },
    { if: [{ $ref: 'staff' }, 'on', 'off'] },
    { if: [{ and: [{ $ref: 'europe' }, { '!': { $ref: 'staff' } }] }, 'on', 'off'] },
    { if: [{ in: ['vip', { var: ['tags', []] }] }, 'on', 'off'] },
    { if: [{ in: ['example', { var: 'email' }] }, 'on', 'off'] },
    { if: [{ '==': [{ var: 'account.tier' }, 'gold'] }, 'on', 'off'] },
    { if: [{ '==': [{ var: ['plan', 'free'] }, 'free'] }, 'on', 'off'] },
    { if: [{ '==': [{ cat: [{ var: 'country' }, '-', { var: 'plan' }] }, 'DE-pro'] }, 'on', 'off'] },
    { if: [{ '==': [{ var: '$flagd.flagKey' }, 'targeted-18'] }, 'on', 'off'] },
    { if: [{ '>': [{ var: '$flagd.timestamp' }, 1700000000] }, 'on', 'off'] },
  ];
  rules.forEach((targeting, i) => {
    flags[`targeted-${i}`] = { state: 'ENABLED', variants: onOff, defaultVariant: 'off', targeting };
  });
  plans.forEach((plan, i) => {
    flags[`price-${plan}`] = {
      state: 'ENABLED',
      variants: { none: 0, usual: 10 * (i + 1), raised: 12.5 * (i + 1) },
      defaultVariant: 'none',
      targeting: { if: [{ '==': [{ var: 'plan' }, plan] }, 'usual', { $ref: 'europe' }, 'raised'] },
    };
  });
  flags['boolean-result'] = {
    state: 'ENABLED',
    variants: { true: 'yes', false: 'no' },
    defaultVariant: 'false',
    targeting: { '>': [{ var: 'age' }, 20] },
  };
}

/** Flags that give a share of the users each variant. */
function split(flags) {
  for (let i = 0; i < 10; i += 1) {
    flags[`split-${i}`] = {
      state: 'ENABLED',
      variants: { red: 'r', green: 'g', blue: 'b' },
      defaultVariant: 'red',
      targeting: { fractional: [['red', 10 * i], ['green', 50], ['blue', 100 - 10 * i]] },
    };
  }
  for (let i = 0; i < 5; i += 1) {
    flags[`split-by-email-${i}`] = {
      state: 'ENABLED',
      variants: onOff,
      defaultVariant: 'off',
      targeting: { fractional: [{ cat: [{ var: '$flagd.flagKey' }, { var: ['email', 'nobody'] }] }, ['on'], ['off', i]] },
    };
  }
  for (let i = 0; i < 5; i += 1) {
    flags[`split-of-some-${i}`] = {
      state: 'ENABLED',
      variants: onOff,
      defaultVariant: 'off',
      targeting: { if: [{ in: [{ var: 'country' }, countries.slice(0, 3 + i)] }, { fractional: [['on', 30 + i], ['off', 70 - i]] }] },
    };
  }
}

/** Flags that give no value, or a fault. */
function without(flags) {
  for (let i = 0; i < 10; i += 1) {
    flags[`disabled-${i}`] = { state: 'DISABLED', variants: onOff, defaultVariant: 'on' };
  }
  for (let i = 0; i < 5; i += 1) {
    flags[`no-default-${i}`] = { state: 'ENABLED', variants: onOff, defaultVariant: null };
  }
  for (let i = 0; i < 3; i += 1) {
    flags[`no-default-targeted-${i}`] = {
      state: 'ENABLED',
      variants: onOff,
      targeting: { if: [{ '==': [{ var: 'plan' }, plans[i]] }, 'on'] },
    };
  }
  flags['names-no-variant'] = {
    state: 'ENABLED',
    variants: onOff,
    defaultVariant: 'off',
    targeting: { if: [{ '==': [{ var: 'plan' }, 'pro'] }, { cat: ['no', 'where'] }, 'on'] },
  };
  flags['we/ird kéy'] = { state: 'ENABLED', variants: onOff, defaultVariant: 'on' };
}

export function document() {
  const flags = {};
  fixed(flags);
  targeted(flags);
  split(flags);
  without(flags);
  return {
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags,
    $evaluators: {
      staff: { ends_with: [{ var: 'email' }, '@burgee.example'] },
      europe: { in: [{ var: 'country' }, ['AT', 'DE', 'FR', 'NL', 'PL', 'SE']] },
    },
    metadata: { flagSetId: 'hundred', version: 1 },
  };
}

/** People with different traits; the first is nobody. */
export function contexts() {
  const people = [{}, { targetingKey: 'only-a-key' }];
  for (let i = 0; i < 14; i += 1) {
    people.push({
      targetingKey: `user-${i}`,
      plan: plans[i % plans.length],
      country: countries[i % countries.length],
      email: i % 5 === 0 ? `admin${i}@burgee.example` : `user${i}@example.com`,
      age: 12 + 5 * i,
      version: ['1.0.0', '1.9.3', '2.1.0', 'v2.1', '2.1.0-rc.1', 'none'][i % 6],
      beta: i % 3 === 0,
      tags: i % 4 === 0 ? ['vip', 'old'] : ['new'],
      account: { tier: i % 2 ? 'gold' : 'iron' },
    });
  }
  return people;
}

/** Many people, the same each time; texts of ASCII alone, since flagd's library hashes others in UTF-16. */
export function* people(count) {
  let state = 1;
  const draw = (list) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return list[(state >>> 8) % list.length];
  };
  for (let i = 0; i < count; i += 1) {
    const all = {
      plan: draw([...plans, 'none', '']),
      country: draw(countries),
      email: draw([`admin${i}@burgee.example`, `user${i}@example.com`, 'no address']),
      age: draw([0, 17, 18, 20, 21, 30, 64, 65, 17.5, '40']),
      version: draw(['1.0.0', '1.9.3', '2.1.0', 'v2.1', '2.1.0-rc.1', '3', 'none']),
      beta: draw([true, false]),
      tags: draw([['vip', 'old'], ['new'], []]),
      account: draw([{ tier: 'gold' }, { tier: 'iron' }, {}]),
    };
    const known = Object.entries(all).filter(() => draw([true, true, true, false]));
    yield { targetingKey: `person-${i}`, ...Object.fromEntries(known) };
  }
}
