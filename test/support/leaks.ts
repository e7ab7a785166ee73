/**
 * Which of these secrets stand in the text, in whichever spelling. It undoes encodings instead of making them, so it
 * shares no idea with the redactor that it judges.
 */
export const leaksIn = (text: string, secrets: Readonly<Record<string, string>>): string[] => {
  const readings = Object.entries({
    plain: [text, text.toLowerCase()],
    json: [unescaped(text), unescaped(unescaped(text))],
    url: [unpercented(text), unpercented(unpercented(text))],
    hex: runs(text, /(?:[0-9a-f]{2}){8,}/gi).flatMap((run) => decodings(run, 'hex', 2)),
    base64: runs(text, /[\w+/-]{11,}/g).flatMap((run) => decodings(run, 'base64', 4)),
    reversed: [[...text].reverse().join('')],
  });
  return Object.entries(secrets).flatMap(([name, secret]) =>
    readings
      .filter(([, versions]) => versions.some((version) => version.includes(secret)))
      .map(([spelling]) => `${name} (${spelling})`),
  );
};

const runs = (text: string, shape: RegExp): string[] => [...text.matchAll(shape)].map(([run]) => run);

/** A run may begin in the middle of the encoded bytes, so every offset is tried. */
const decodings = (run: string, encoding: 'hex' | 'base64', offsets: number): string[] =>
  Array.from({ length: offsets }, (_, offset) => Buffer.from(run.slice(offset), encoding).toString('latin1'));

const unescaped = (text: string): string =>
  text
    .replace(/\\u([0-9a-f]{4})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replace(/\\(.)/g, '$1');

const unpercented = (text: string): string =>
  text.replace(/%([0-9a-f]{2})/gi, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)));
