import { counted } from '../../domain/counted.ts';
import type { Usage } from '../../domain/job-event.ts';
import { codeSpan } from './markdown.ts';
import type { Story } from './text.ts';

/** Who made it, and what it took. */
export const footer = ({ job, model, usage, denials, changeset }: Omit<Story, 'answer'>): string => {
  const facts = [
    `Made by Tiny Backspace, job \`${job.id}\``,
    `model ${codeSpan(model, 80)}`,
    counted(usage.turns, 'turn'),
    `cost ${inDollars(usage.costUsd)}`,
    `${counted(denials.total, 'request')} to other hosts refused`,
    `${counted(leftOutCount(changeset.leftOut), 'path')} left out`,
  ];
  return `---\n${facts.join(' · ')}`;
};

/** Two digits that say something at least, however little it was. */
const inDollars = (cost: Usage['costUsd']): string => {
  if (cost === 'unknown') return 'unknown';
  const digits = cost > 0 ? 1 - Math.floor(Math.log10(cost)) : 2;
  return `$${cost.toFixed(Math.min(Math.max(digits, 2), 8))}`;
};

/** The last line of a list that was too long tells how many more there are. */
const leftOutCount = (leftOut: Story['changeset']['leftOut']): number => {
  const more = Number(/^and (\d+) more$/.exec(leftOut.at(-1)?.reason ?? '')?.[1] ?? 0);
  return leftOut.length + Math.max(0, more - 1);
};
