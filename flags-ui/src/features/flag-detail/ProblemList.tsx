import { IconAlertTriangle } from '@tabler/icons-react';
import type { Flag } from '../../api/types';
import { problemsWithPlace } from './diagnostics';

/** What is wrong with a flag as it is stored: an import keeps faulty rules, and merging can combine any values. */
export function ProblemList({ flag }: { flag: Flag }) {
  if (flag.problems.length === 0) return null;
  return (
    <section className="notice notice-warn" aria-label="Problems">
      <IconAlertTriangle size={18} aria-hidden />
      <div>
        <strong>{flag.problems.length === 1 ? 'This flag has a problem' : `This flag has ${flag.problems.length} problems`}</strong>
        <ul>
          {problemsWithPlace(flag).map(({ problem, environment }) => (
            <li key={`${environment} ${problem.path} ${problem.message}`}>
              {environment && <b>{environment}: </b>}
              {problem.message} {problem.hint}
              {problem.path && <code className="path">{problem.path}</code>}
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
