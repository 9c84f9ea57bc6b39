import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import type { Flag, FlagProblem } from '../../api/types';
import { faultsOf, warningsOf } from '../../shared/domain/problems';
import { environmentOf } from './diagnostics';

/**
 * What is wrong with a flag as it is stored: an import keeps faulty rules, and merging can combine any values. What is
 * only told, such as a segment that is not there yet, stands apart.
 */
export function ProblemList({ flag }: { flag: Flag }) {
  const faults = faultsOf(flag);
  const warnings = warningsOf(flag);
  return (
    <>
      {faults.length > 0 && (
        <section className="notice notice-warn" aria-label="Problems">
          <IconAlertTriangle size={18} aria-hidden />
          <Listed problems={faults} title={faults.length === 1 ? 'This flag has a problem' : `This flag has ${faults.length} problems`} />
        </section>
      )}
      {warnings.length > 0 && (
        <section className="notice" aria-label="Warnings">
          <IconInfoCircle size={18} aria-hidden />
          <Listed problems={warnings} title={warnings.length === 1 ? 'A warning' : `${warnings.length} warnings`} />
        </section>
      )}
    </>
  );
}

function Listed({ title, problems }: { title: string; problems: readonly FlagProblem[] }) {
  return (
    <div>
      <strong>{title}</strong>
      <ul>
        {problems.map((problem) => {
          const environment = environmentOf(problem);
          return (
            <li key={`${environment} ${problem.path} ${problem.message}`}>
              {environment && <b>{environment}: </b>}
              {problem.message} {problem.hint}
              {problem.path && <code className="path">{problem.path}</code>}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
