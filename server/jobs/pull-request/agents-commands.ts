import type { AgentAnswer } from '../../agent/answer.ts';
import { codeSpan, folded } from './markdown.ts';

const commandsShownMax = 20;
const commandCharactersMax = 120;

/** The exit code stands before the command, where no text of the agent's can forge it. */
export const agentsCommands = ({ commands }: AgentAnswer): string => {
  if (commands.length === 0) return '';
  const shown = commands.slice(-commandsShownMax);
  const lines = shown.map(({ command, exitCode }) => {
    const end = exitCode === null ? 'killed' : `exit code ${exitCode}`;
    return `- ${end}: ${codeSpan(command, commandCharactersMax)}`;
  });
  const count = commands.length === 1 ? 'The command' : `The ${commands.length} commands`;
  const which = shown.length < commands.length ? `The last ${shown.length} of them, exit` : 'Exit';
  return folded(
    `${count} that the agent ran itself`,
    `${which} codes as the agent’s sandbox told them; they prove nothing.\n\n${lines.join('\n')}`,
  );
};
