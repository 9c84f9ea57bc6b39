import type { Flag, FlagProblem } from '../../api/types';

export const isWarning = ({ severity }: Pick<FlagProblem, 'severity'>) => severity === 'warning';

/** What is wrong with a flag. */
export const faultsOf = (flag: Flag) => flag.problems.filter((problem) => !isWarning(problem));

/** What is told of a flag and may be meant. */
export const warningsOf = (flag: Flag) => flag.problems.filter(isWarning);
