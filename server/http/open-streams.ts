import { AppError } from '../domain/errors.ts';
import type { Keyring } from './keyring.ts';

export type OpenStreams = {
  /** Counts one more until it is disposed; throws `rate_limited` when they are too many. */
  begin(stream: OpenStream): Disposable;
};

type OpenStream = {
  /** undefined where the server has no keys: then all are counted together. */
  keyId: string | undefined;
  cut(): void;
};

const lookMs = 2_000;

/** The streams that are open on this server, by key. Those of a key that is revoked are cut. */
export const createOpenStreams = (perKeyMax: number, keyring: Keyring): OpenStreams => {
  const open = new Map<string | undefined, Set<OpenStream>>();
  let isLooking = false;

  const cutRevoked = async () => {
    await keyring.refresh();
    for (const [keyId, streams] of [...open]) {
      const isTaken = keyId === undefined ? keyring.isEmpty() : keyring.isValid(keyId);
      if (!isTaken) for (const stream of [...streams]) stream.cut();
    }
    isLooking = false;
    if (open.size > 0) look();
  };
  /** Only while there are any. */
  const look = () => {
    if (isLooking) return;
    isLooking = true;
    setTimeout(cutRevoked, lookMs).unref();
  };

  return {
    begin(stream) {
      const streams = open.get(stream.keyId) ?? new Set();
      if (streams.size >= perKeyMax) {
        throw new AppError('rate_limited', `${perKeyMax} streams of this key are open already.`, {
          whatToDo: 'Close one, or ask for JSON with the header «Accept: application/json».',
          retryAfterSeconds: 10,
        });
      }
      open.set(stream.keyId, streams.add(stream));
      look();
      return {
        [Symbol.dispose]() {
          streams.delete(stream);
          if (streams.size === 0 && open.get(stream.keyId) === streams) open.delete(stream.keyId);
        },
      };
    },
  };
};
