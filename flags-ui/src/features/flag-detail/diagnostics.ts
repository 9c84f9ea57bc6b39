import type { FieldError, Flag, FlagProblem } from '../../api/types';
import { isWarning } from '../../shared/domain/problems';
import { insideTargeting, lineAt, locate } from '../../shared/json/locate';
import { scan } from '../../shared/json/scan';

/** A message about a rule; without a line if its place is not in the text. */
export type Diagnostic = { line?: number; offset?: number; message: string; hint?: string; warning?: true };

type Fault = Pick<FieldError, 'path' | 'message' | 'hint'> & { warning?: true };

/** The messages for a rule's text: its own syntax fault, or else the server's faults at their lines. */
export function diagnose(text: string, faults: readonly Fault[]): Diagnostic[] {
  if (text.trim() === '') return faults.map(bare);
  const read = scan(text);
  if (!read.ok) return [{ line: lineAt(text, read.offset), offset: read.offset, message: read.message }];
  return faults
    .map((fault) => {
      const inside = insideTargeting(fault.path);
      const span = inside === undefined ? undefined : locate(read.spans, inside);
      return span ? { ...bare(fault), line: lineAt(text, span.start), offset: span.start } : bare(fault);
    })
    .sort((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
}

const bare = ({ message, hint, warning }: Fault): Diagnostic => ({
  message,
  ...(hint ? { hint } : {}),
  ...(warning ? { warning } : {}),
});

/** Splits the server's errors into those about the rule and those about other members, by member. */
export function sortErrors(errors: readonly FieldError[]): { rule: FieldError[]; members: Record<string, string> } {
  const rule: FieldError[] = [];
  const members: Record<string, string> = {};
  for (const error of errors) {
    if (insideTargeting(error.path) !== undefined) rule.push(error);
    else members[error.path.split('/')[1] ?? ''] ??= error.hint ? `${error.message} ${error.hint}` : error.message;
  }
  return { rule, members };
}

/** The environment in which a problem shows, where it is not the whole flag's. */
export const environmentOf = ({ environment, path = '' }: FlagProblem) => {
  if (environment) return environment;
  const token = /^\/environments\/([^/]+)/.exec(path)?.[1];
  return token?.replaceAll('~1', '/').replaceAll('~0', '~');
};

/** The problems of a flag's rule in one environment, as faults of its text. */
export function ruleProblems(flag: Flag, environment: string): Fault[] {
  return flag.problems.flatMap((problem) => {
    const { path = '', message, hint } = problem;
    const here = environmentOf(problem) === environment && insideTargeting(path) !== undefined;
    return here ? [{ path, message, ...(hint ? { hint } : {}), ...(isWarning(problem) ? { warning: true as const } : {}) }] : [];
  });
}
