/**
 * Takes secrets out of text that leaves the server: events, logs, traces, errors, pull requests. Two nets: the live
 * secrets themselves in every spelling that a shell makes at once (plain, JSON, URL, hex, base64), and the shapes of
 * well-known tokens, which also catch what was never ours. It sees one text at a time: whoever cuts a stream into
 * pieces joins them before asking.
 */
export type Redactor = {
  text(text: string): string;
  /** JSON-like values: strings and object keys are redacted in a copy; instances of classes stay as they are. */
  deep<T>(value: T): T;
};

export const createRedactor = (secrets: readonly string[]): Redactor => {
  const spellings = literalsOf(secrets);
  const literals = spellings.length === 0 ? undefined : new RegExp(spellings.map(escaped).join('|'), 'g');
  const text = (input: string): string => {
    const plain = literals === undefined ? input : input.replace(literals, mask);
    return shapeHint.test(plain) ? withoutShapes(plain) : plain;
  };
  return { text, deep: <T>(value: T): T => walk(value, text, 0) as T };
};

const mask = '[redacted]';

/** Anything shorter also stands in ordinary text, and would blank half of it («test», «12345»). */
const literalCharactersMin = 8;

/** JSON of ours is a few levels deep; the limit only ends what refers to itself. */
const depthMax = 64;

const withoutShapes = (text: string): string =>
  shapes.reduce((rest, [shape, replacement]) => rest.replace(shape, replacement), text);

/** Every shape below holds one of these words: a text without any, which is nearly all text, is done after one scan. */
const shapeHint =
  /gh[opusr]_|github_pat_|sk-ant-|lsv2_|tb_[0-9a-f]|bearer\s|basic\s|authorization|x-access-token:|PRIVATE KEY/i;

/**
 * Text from a sandbox is hostile, so no shape may cost more than its length: what an unbounded repetition has taken
 * can only end the match, or be left for good because the next start lies behind it.
 */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/gh[opusr]_[A-Za-z0-9]{16,}/g, mask],
  [/github_pat_[A-Za-z0-9_]{16,}/g, mask],
  [/sk-ant-[A-Za-z0-9_-]{16,}/g, mask],
  [/lsv2_[A-Za-z0-9_]{16,}/g, mask],
  // Our own API keys; their first part is no secret.
  [/(tb_[0-9a-f]{12}_)[0-9a-f]{16,}/g, `$1${mask}`],
  // In a header anything is a credential; in prose only what looks like one, or «Basic understanding» would go, too.
  [/(authorization["']?\s{0,4}[:=]\s{0,4}["']?(?:bearer|basic|token)\s{1,4})[^\s"'\\[]+/gi, `$1${mask}`],
  [/\b((?:bearer|basic)\s{1,4})(?=[A-Za-z._~+/=-]{0,255}\d)[\w.~+/=-]{16,}/gi, `$1${mask}`],
  [/(x-access-token:)[^\s@/:[]+(?=@)/gi, `$1${mask}`],
  // A key may be cut off before its end, and its lines may stand as \n in JSON; the body stops at anything else.
  [
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----)(?:\\{1,4}[nrt]|[A-Za-z0-9+/=\s:,-])){0,20000}(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?/g,
    mask,
  ],
];

const walk = (value: unknown, text: (input: string) => string, depth: number): unknown => {
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= depthMax) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => walk(item, text, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [text(key), walk(item, text, depth + 1)]),
  );
};

/** Longest first, so that of two spellings at one place the whole one is taken. */
const literalsOf = (secrets: readonly string[]): string[] =>
  [...new Set(secrets.filter((secret) => secret.length >= literalCharactersMin).flatMap(spellingsOf))].sort(
    (a, b) => b.length - a.length,
  );

const spellingsOf = (secret: string): string[] => {
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const hex = [...new TextEncoder().encode(secret)].map((byte) => byte.toString(16).padStart(2, '0'));
  const percents = hex.map((digits) => `%${digits}`).join('');
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    url.replaceAll('%20', '+'),
    percents,
    percents.toUpperCase(),
    hex.join(''),
    hex.join('').toUpperCase(),
    ...[0, 1, 2].flatMap((before) => base64Of(secret, before)),
  ];
};

/**
 * The characters of base64 that are the same whatever stands around the secret. Three bytes make four characters, so
 * there are three alignments, by the bytes `before`; the characters at both edges that share bits with neighbours are
 * cut off.
 */
const base64Of = (secret: string, before: number): string[] => {
  const bytes = [...new Array<number>(before).fill(0), ...new TextEncoder().encode(secret)];
  const encoded = btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
  const stable = encoded.slice([0, 2, 3][before], bytes.length % 3 === 0 ? encoded.length : -1);
  return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')];
};

const escaped = (literal: string): string => literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
