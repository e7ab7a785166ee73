import { definesChecks } from '../../domain/checks/check-definitions.ts';
import { namedIn } from '../../domain/leftovers/leftovers.ts';
import type { Story } from './text.ts';

/**
 * New files at the root that nobody speaks of: what an agent tried out, wrote down for itself or let a program write is no
 * leftover by its name, but may be one. What defines checks is told of with them.
 */
export const unnamedFiles = ({ job, answer, changeset }: Story): readonly string[] => {
  const isNamed = namedIn([job.request.prompt, answer.title, answer.description].join('\n'));
  return changeset.files
    .filter(({ status, path }) => status === 'added' && !path.includes('/'))
    .map(({ path }) => path)
    .filter((path) => !definesChecks(path) && !isNamed(path));
};
