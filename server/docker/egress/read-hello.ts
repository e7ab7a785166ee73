import { createHelloReader } from './client-hello.ts';

export type Hello =
  | { kind: 'hello'; serverName: string; bytes: Uint8Array[] }
  | { kind: 'refused'; reason: string; speaksTls: boolean }
  /** The client left without a word, which is nobody's fault. */
  | { kind: 'gone' };

/** Gathers the ClientHello, and nothing beyond the piece in which it ends, within `helloMs`. */
export const readHello = async (
  pieces: AsyncIterator<Uint8Array>,
  helloMs: number,
  signal: AbortSignal,
): Promise<Hello> => {
  const reader = createHelloReader();
  const bytes: Uint8Array[] = [];
  const refuse = (reason: string): Hello => ({ kind: 'refused', reason, speaksTls: bytes[0]?.[0] === 22 });
  using deadline = startDeadline(helloMs, signal);

  for (;;) {
    const next = await Promise.race([pieces.next(), deadline.passed]).catch(() => 'gone' as const);
    if (next === 'gone') return { kind: 'gone' };
    if (next === 'late') return refuse('No TLS ClientHello came in time.');
    if (next.done)
      return bytes.length === 0 ? { kind: 'gone' } : refuse('The TLS ClientHello is incomplete.');
    if (next.value.length === 0) continue;
    bytes.push(next.value);
    const hello = reader.push(next.value);
    if (hello.state === 'refused') return refuse(hello.reason);
    if (hello.state === 'done') return { kind: 'hello', serverName: hello.serverName, bytes };
  }
};

const startDeadline = (timeoutMs: number, signal: AbortSignal) => {
  const { promise, resolve } = Promise.withResolvers<'late' | 'gone'>();
  const timer = setTimeout(resolve, timeoutMs, 'late');
  const leave = () => resolve('gone');
  signal.addEventListener('abort', leave, { once: true });
  if (signal.aborted) leave();
  return {
    passed: promise,
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    },
  };
};
