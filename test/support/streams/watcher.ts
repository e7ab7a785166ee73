import { connect, type Socket } from 'node:net';

/** One reader of a job's stream, on a bare socket: a thousand of them must not be what is slow. */
export type Watcher = {
  readonly jobId: string;
  /** The numbers of all events that came, in their order, over all its connections. */
  readonly ids: readonly number[];
  /** What went wrong: a connection that ended before the job, another answer than a stream. */
  readonly faults: readonly string[];
  /** Whether the server has ended the stream behind a terminal event. */
  readonly isAtEnd: boolean;
  /** Comes, or comes back with its cursor. Resolves when the answer has begun. */
  open(): Promise<void>;
  /** Goes away without a word. */
  leave(): void;
};

export type Place = { host: string; port: number };

export const placeOf = (url: string): Place => {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
};

/** `onData` hears each event's JSON as it comes. */
export const createWatcher = (
  place: Place,
  jobId: string,
  after = 0,
  onData: (data: string) => void = () => {},
): Watcher => {
  const ids: number[] = [];
  const faults: string[] = [];
  let socket: Socket | undefined;
  let hasTerminal = false;
  let isAtEnd = false;

  const take = (text: string): string => {
    let taken = 0;
    for (const { index, 0: frame, 1: id, 2: data = '' } of text.matchAll(frames)) {
      ids.push(Number(id));
      hasTerminal ||= isTerminal(data);
      onData(data);
      taken = index + frame.length;
    }
    return text.slice(taken);
  };

  const open = async (): Promise<void> => {
    const current = connect(place);
    socket = current;
    current.setEncoding('latin1');
    current.write(requestFor(jobId, ids.at(-1) ?? after));
    const begun = Promise.withResolvers<void>();
    let head = '';
    let rest = '';
    current.on('data', (chunk: string) => {
      if (socket !== current) return;
      if (head.length < statusLine.length) head += chunk.slice(0, statusLine.length);
      rest = take(rest + chunk);
      begun.resolve();
    });
    current.on('error', (error) => {
      if (socket === current) faults.push(error.message);
    });
    current.once('close', () => {
      begun.resolve();
      if (socket !== current) return;
      socket = undefined;
      if (!head.startsWith(statusLine)) faults.push(`answered ${JSON.stringify(head)}`);
      else if (!hasTerminal) faults.push(`cut behind event ${ids.at(-1)}`);
      else if (!rest.endsWith(lastChunk)) faults.push('cut behind its last event');
      else isAtEnd = true;
    });
    await begun.promise;
  };

  return {
    ...{ jobId, ids, faults, open },
    get isAtEnd() {
      return isAtEnd;
    },
    leave() {
      // What has come already belongs to the reader; from now on nothing does.
      const left = socket;
      socket = undefined;
      left?.resetAndDestroy();
    },
  };
};

/** A reader that asks and then takes nothing. */
export const openStalled = async (place: Place, jobId: string): Promise<Socket> => {
  const socket = connect(place);
  socket.pause();
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(requestFor(jobId, 0));
  return socket;
};

/** All numbers behind the cursor, in order. */
export const isWhole = (ids: readonly number[], after: number, last: number): boolean =>
  ids.length === last - after && ids.every((id, index) => id === after + index + 1);

/** The chunks of the transfer encoding end with a line end, too, so a frame is found without decoding them. */
const frames = /(?<=^|\n)id: (\d+)\ndata: ([^\n]*)\n\n/g;
const statusLine = 'HTTP/1.1 200 OK\r\n';
const lastChunk = '0\r\n\r\n';

const isTerminal = (data: string): boolean =>
  data.startsWith('{"type":"Result"') || data.startsWith('{"type":"Error"');

const requestFor = (jobId: string, cursor: number): string =>
  [
    `GET /jobs/${jobId}/events HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    ...(cursor > 0 ? [`Last-Event-ID: ${cursor}`] : []),
    '\r\n',
  ].join('\r\n');
