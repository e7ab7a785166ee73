import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type ProbeAnswer = {
  endpoint: 'POST /books' | 'POST /members' | 'POST /books/:id/reviews';
  /** What was sent, in words. */
  sent: string;
  status: number;
  body: unknown;
};

export type ProbeReport = {
  good: ProbeAnswer[];
  bad: ProbeAnswer[];
  /** Where an answer is not what an API that validates would say, as sentences; empty when all is well. */
  problems: string[];
};

/** Starts the demo's API as it lies in the directory, sends it good and bad bodies, and stops it. */
export const probeDemoApi = async (
  directory: string,
  signal: AbortSignal = AbortSignal.timeout(30_000),
): Promise<ProbeReport> => {
  await using api = await startDemoApi(directory, signal);
  const report: ProbeReport = { good: [], bad: [], problems: [] };

  for (const probe of goodProbes) {
    const answer = await send(api.url, probe, signal);
    report.good.push({ endpoint: probe.endpoint, sent: probe.sent, ...answer });
    if (answer.status !== 201 || JSON.stringify(answer.body) !== JSON.stringify(probe.answer)) {
      report.problems.push(`${probe.endpoint} with ${probe.sent}: ${described(answer)}`);
    }
  }
  const before = await stored(api.url, signal);

  for (const probe of badProbes) {
    const answer = await send(api.url, probe, signal);
    report.bad.push({ endpoint: probe.endpoint, sent: probe.sent, ...answer });
    const named = probe.names.every((name) => JSON.stringify(answer.body ?? '').includes(name));
    if (answer.status !== probe.status || !named) {
      report.problems.push(`${probe.endpoint} with ${probe.sent}: ${described(answer)}`);
    }
  }
  if ((await stored(api.url, signal)) !== before) report.problems.push('A bad body changed what is stored.');
  return report;
};

type Probe = {
  endpoint: ProbeAnswer['endpoint'];
  sent: string;
  /** Where the endpoint has an id; 1 without it. */
  id?: number;
  contentType?: string;
  /** Text goes out as it is, everything else as JSON. */
  body: unknown;
};

type GoodProbe = Probe & { answer: Record<string, unknown> };

/** `names` are words that must stand somewhere in the answer's JSON: wrong fields, above all. */
type BadProbe = Probe & { status: number; names: string[] };

const book = { title: 'Dune', author: 'Frank Herbert', pages: 688 };
const bookWithoutPages = { title: 'Beowulf', author: 'Unknown' };
const member = { name: 'Ada', email: 'ada@example.org' };
const review = { memberId: 1, rating: 5, text: 'I could taste the sand.' };

const books = { endpoint: 'POST /books' } as const;
const members = { endpoint: 'POST /members' } as const;
const reviews = { endpoint: 'POST /books/:id/reviews' } as const;

const goodProbes: GoodProbe[] = [
  { ...books, sent: 'a book', body: book, answer: { id: 1, ...book } },
  { ...books, sent: 'a book without pages', body: bookWithoutPages, answer: { id: 2, ...bookWithoutPages } },
  { ...members, sent: 'a member', body: member, answer: { id: 1, ...member } },
  { ...reviews, sent: 'a review', body: review, answer: { id: 1, bookId: 1, ...review } },
  {
    ...books,
    sent: 'a charset after the media type',
    contentType: 'application/json; charset=utf-8',
    body: book,
    answer: { id: 3, ...book },
  },
];

const badProbes: BadProbe[] = [
  ...[books, members, reviews].flatMap((endpoint): BadProbe[] => [
    { ...endpoint, sent: 'half a JSON object', body: '{ "title": ', status: 400, names: ['error'] },
    { ...endpoint, sent: 'nothing at all', body: '', status: 400, names: ['error'] },
    { ...endpoint, sent: 'null', body: null, status: 400, names: ['error'] },
    { ...endpoint, sent: 'a list', body: [], status: 400, names: ['error'] },
    {
      ...endpoint,
      sent: 'plain text',
      contentType: 'text/plain',
      body: 'Dune',
      status: 415,
      names: ['error'],
    },
  ]),
  { ...books, sent: 'an empty object', body: {}, status: 400, names: ['title', 'author'] },
  { ...books, sent: 'a number as the title', body: { ...book, title: 42 }, status: 400, names: ['title'] },
  { ...books, sent: 'an empty author', body: { ...book, author: '' }, status: 400, names: ['author'] },
  {
    ...books,
    sent: 'a title of 10,000 characters',
    body: { ...book, title: 'x'.repeat(10_000) },
    status: 400,
    names: ['title'],
  },
  { ...books, sent: 'minus one page', body: { ...book, pages: -1 }, status: 400, names: ['pages'] },
  { ...members, sent: 'an empty object', body: {}, status: 400, names: ['name', 'email'] },
  { ...members, sent: 'a list as the name', body: { ...member, name: [] }, status: 400, names: ['name'] },
  { ...members, sent: 'no email address', body: { ...member, email: 'ada' }, status: 400, names: ['email'] },
  { ...reviews, sent: 'an empty object', body: {}, status: 400, names: ['memberId', 'rating'] },
  { ...reviews, sent: 'six stars', body: { ...review, rating: 6 }, status: 400, names: ['rating'] },
  {
    ...reviews,
    sent: 'a rating in words',
    body: { ...review, rating: 'ten' },
    status: 400,
    names: ['rating'],
  },
  { ...reviews, sent: 'a blank text', body: { ...review, text: ' ' }, status: 400, names: ['text'] },
  {
    ...reviews,
    sent: 'an unknown member',
    body: { ...review, memberId: 9 },
    status: 400,
    names: ['memberId'],
  },
  { ...reviews, sent: 'an unknown book', id: 99, body: review, status: 404, names: ['99'] },
];

const startDemoApi = async (directory: string, signal: AbortSignal) => {
  signal.throwIfAborted();
  // The code on a pull request's branch is not ours to trust with the environment of the tests.
  const env = { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: '0' };
  const child = spawn(process.execPath, ['server.js'], {
    cwd: directory,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const url = await listeningUrl(child, signal);
    return { url, [Symbol.asyncDispose]: () => stop(child) };
  } catch (cause) {
    await stop(child);
    throw new Error(`The API in ${directory} did not start.`, { cause });
  }
};

const listeningUrl = async (child: ChildProcess, signal: AbortSignal): Promise<string> => {
  if (!child.stdout) throw new Error('The API was started without a pipe for its output.');
  for await (const line of createInterface({ input: child.stdout, signal })) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (url) {
      // Nobody reads on from here: without this a talkative API would block on a full pipe.
      child.stdout.resume();
      return url;
    }
  }
  signal.throwIfAborted();
  throw new Error('It ended without saying where it listens.');
};

const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
};

type Answer = { status: number; body: unknown };

const send = async (url: string, probe: Probe, signal: AbortSignal): Promise<Answer> => {
  const path = probe.endpoint.slice('POST '.length).replace(':id', String(probe.id ?? 1));
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': probe.contentType ?? 'application/json' },
    body: typeof probe.body === 'string' ? probe.body : JSON.stringify(probe.body),
    signal,
  });
  return { status: response.status, body: parsed(await response.text()) };
};

/** An answer that is not JSON stays text. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const stored = async (url: string, signal: AbortSignal): Promise<string> => {
  const paths = ['/books', '/books/1', '/members'];
  const answers = await Promise.all(paths.map((path) => fetch(url + path, { signal })));
  return (await Promise.all(answers.map((answer) => answer.text()))).join('\n');
};

const described = ({ status, body }: Answer): string => `${status} ${JSON.stringify(body)}`;
