/** What may stand in a list of shell commands, whoever gives it: a request, or the repository's .backspace.yml. */

export const commandsMax = 20;
const commandCharactersMax = 2000;

/** What is wrong with the command, so that it can follow its name; undefined when nothing is. */
export const commandProblem = (command: string): string | undefined => {
  if (command.trim() === '') return 'must not be an empty command';
  if (command.length > commandCharactersMax)
    return `must not be longer than ${commandCharactersMax} characters`;
  if (/[^\P{Cc}\n\t]/u.test(command)) return 'must not contain control characters but newline and tab';
  return command.isWellFormed() ? undefined : 'must not contain half a character (a lone surrogate)';
};

/** What the name of a sandbox image can be; whether the server has it is another question. */
export const imageName = /^[a-z0-9][a-z0-9._-]{0,63}$/;
