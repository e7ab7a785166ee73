import { times } from '../../sample.ts';
import { repeated } from './frames.ts';

/** What play.py can do; bytes are in base64. */
export type Step =
  | {
      do: 'send';
      bytes: string;
      /** Where in the bytes the stream ids are. */
      places?: number[];
      /** The id of the stream of the request heard last, or a number. */
      id?: 'asked' | number;
      /** After so many places the id goes on to the next. */
      each?: number;
      times?: number;
      seconds?: number;
      /** The toolbox's stdout, or its stderr. */
      to?: 1 | 2;
    }
  /** As `send`, a byte at a time. */
  | { do: 'drip'; bytes: string; places: number[]; pause: number }
  /** Requests as fast as they are answered. */
  | { do: 'ask'; bytes: string; id: number; together: number; seconds: number }
  /** Waits for the server's next request. */
  | { do: 'hear' }
  | { do: 'rest'; seconds: number }
  /** Kills the toolbox; who keeps its pipes keeps Docker's exec. */
  | { do: 'kill'; keepsPipes: boolean }
  /** Tells the test all that the server has said to the toolbox. */
  | { do: 'tell' };

/** How long what has no end of its own goes on. */
export const floodSeconds = times(1.5, 8);
const withoutEnd = { times: 1e9, seconds: floodSeconds };

/** Ids beyond those that the toolbox itself has used. */
export const ownId = 1001;

export const hear: Step = { do: 'hear' };

export const send = (...frames: Uint8Array[]): Step => ({ do: 'send', bytes: base64(joined(frames)) });

/** On the stream of the request that was heard. */
export const answer = (...frames: Uint8Array[]): Step => ({
  ...{ do: 'send', bytes: base64(joined(frames)) },
  ...{ places: placesIn(joined(frames)), id: 'asked' },
});

export const flood = (bytes: Uint8Array): Step => ({ ...send(manyOf(bytes)), ...withoutEnd }) as Step;

/** `others` keep the stream that they have. */
export const floodAnswer = (frame: Uint8Array, others: Uint8Array = Buffer.alloc(0)): Step => {
  if (others.length > 0) {
    const bytes = base64(joined([frame, others]));
    return { do: 'send', bytes, places: [idPlace], id: 'asked', ...withoutEnd };
  }
  const bytes = manyOf(frame);
  return { do: 'send', bytes: base64(bytes), places: placesIn(bytes), id: 'asked', ...withoutEnd };
};

/** Each on a stream of its own; of `frames` so many make one request. */
export const requests = (times: number, ...frames: Uint8Array[]): Step => {
  const bytes = repeated(joined(frames), times);
  return { do: 'send', bytes: base64(bytes), places: placesIn(bytes), id: ownId, each: frames.length };
};

export const floodRequests = (...frames: Uint8Array[]): Step => {
  const bytes = manyOf(joined(frames));
  const places = placesIn(bytes);
  return { do: 'send', bytes: base64(bytes), places, id: ownId, each: frames.length, ...withoutEnd };
};

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

const idPlace = 5;
const blockBytes = 64 << 10;

const joined = (frames: Uint8Array[]): Buffer => Buffer.concat(frames);

const manyOf = (bytes: Uint8Array): Buffer =>
  repeated(bytes, Math.max(1, Math.floor(blockBytes / bytes.length)));

export const placesIn = (frames: Buffer): number[] => {
  const places: number[] = [];
  for (let at = 0; at < frames.length; at += 9 + frames.readUIntBE(at, 3)) places.push(at + idPlace);
  return places;
};
