import { diffLines, withContext } from '../../shared/json/diff';

const CONTEXT_LINES = 2;
const SIGNS = { same: ' ', added: '+', removed: '−' };

/** Two rules as one list of kept, added and removed lines; nothing if they are equal. */
export function DiffView({ before, after }: { before: string; after: string }) {
  const lines = diffLines(before, after);
  if (lines.every((line) => line.kind === 'same')) return null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section className="diff" aria-label="Changes of the targeting" tabIndex={0}>
      {withContext(lines, CONTEXT_LINES).map((line, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity beyond their place
        <div key={at} data-kind={line?.kind ?? 'gap'}>
          <span className="diff-sign">{line ? SIGNS[line.kind] : '⋯'}</span>
          {line?.text}
        </div>
      ))}
    </section>
  );
}
