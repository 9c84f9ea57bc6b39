import { IconAlertCircle, IconInfoCircle } from '@tabler/icons-react';
import type { Diagnostic } from './diagnostics';

/** The messages in full, for those who do not see the marks and where a message is cut. */
export function DiagnosticList({ id, diagnostics }: { id: string; diagnostics: readonly Diagnostic[] }) {
  return (
    <ul id={id} className="diagnostics" aria-live="polite" aria-label="Faults in the targeting" hidden={diagnostics.length === 0}>
      {diagnostics.map(({ line, message, hint, warning }) => (
        <li key={`${line} ${message}`}>
          {warning ? <IconInfoCircle size={16} aria-hidden className="told" /> : <IconAlertCircle size={16} aria-hidden />}
          <span>
            {warning && <b>Warning: </b>}
            {line !== undefined && <b>Line {line}: </b>}
            {message}
            {hint && <span className="dim"> {hint}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
