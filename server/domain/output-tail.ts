import { endOf, withoutHidden } from './visible-text.ts';

/**
 * The end of what a command printed, for people: without the sequences that colour a terminal, of a line that was written
 * over only what stood there last, and without what else nobody sees, or a terminal obeys.
 */
export const outputTail = (output: string, charactersMax: number): string => {
  const lines = output.replace(terminalSequence, '').replaceAll('\r\n', '\n').split('\n');
  const plain = lines.map((line) => withoutHidden(lastWritten(line))).join('\n');
  return endOf(plain, charactersMax).trim();
};

/** The end of one may be missing where the output was cut. */
const terminalSequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they begin with.
  /\u001b(?:\[[0-?]*[ -/]*[@-~]?|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

const lastWritten = (line: string): string => {
  const whole = line.replace(/\r{1,4}$/, '');
  return whole.slice(whole.lastIndexOf('\r') + 1);
};
