// Pair after pair through two engines, until enough gave the same.
import assert from 'node:assert/strict';

/** Pairs that must give the same; those that differ do not count. */
export const PAIRS = 20_000;
/** Of the first batch; a failure prints the seed of its batch. */
const SEED = Number(process.env.BURGEE_SEED ?? 0);
/** Batches after which something is wrong with the generator. */
const BATCHES_MAX = 12;

/**
 * Compares what `answers` gives of each pair that `batch` makes of a seed: `{ours, theirs}`. What differs must be one
 * of `differences`: `{name, holds, percent}`, where `percent` is how many of a hundred pairs it may take at most, so
 * that none hides another one.
 */
export function compared(t, batch, answers, differences) {
  const seen = { pairs: 0, same: 0 };
  for (let n = 0; seen.same < PAIRS; n += 1) {
    assert.ok(n < BATCHES_MAX, `only ${JSON.stringify(seen)}`);
    for (const pair of batch(SEED + n)) {
      const both = answers(pair);
      seen.pairs += 1;
      if (JSON.stringify(both.ours) === JSON.stringify(both.theirs)) {
        seen.same += 1;
        continue;
      }
      const known = differences.find(({ holds }) => holds({ ...pair, ...both }));
      assert.ok(known, `BURGEE_SEED=${SEED + n}\n${JSON.stringify({ ...pair, ...both }, null, 1)}`);
      seen[known.name] = (seen[known.name] ?? 0) + 1;
    }
  }
  t.diagnostic(JSON.stringify(seen));
  for (const { name, percent } of differences) {
    const most = (seen.pairs * percent) / 100;
    assert.ok((seen[name] ?? 0) <= most, `more of "${name}" than is known: ${JSON.stringify(seen)}`);
  }
}
