/**
 * The end of what a command printed, for people: without the sequences that colour a terminal, of a line that was written
 * over only what stood there last, and without all other characters that a terminal obeys.
 */
export const outputTail = (output: string, charactersMax: number): string => {
  const lines = output.replace(terminalSequence, '').replaceAll('\r\n', '\n').split('\n');
  const plain = lines.map((line) => lastWritten(line).replace(obeyed, '')).join('\n');
  return plain.slice(-charactersMax).toWellFormed().trim();
};

/** The end of one may be missing where the output was cut. */
const terminalSequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what they begin with.
  /\u001b(?:\[[0-?]*[ -/]*[@-~]?|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;

/** Control characters, and those that turn text around. */
const obeyed = /[^\P{Cc}\t]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const lastWritten = (line: string): string => {
  const whole = line.replace(/\r{1,4}$/, '');
  return whole.slice(whole.lastIndexOf('\r') + 1);
};
