import { AppError } from '../domain/errors.ts';
import type { Base } from '../domain/repository.ts';
import type { WayOut } from '../domain/sandbox.ts';
import { quotable } from './bytes.ts';
import { readPackets } from './packets.ts';

/**
 * Asks for the base commit alone and yields its pack as it comes, uninterpreted: git inside the sandbox reads it. The
 * request goes through the job's gateway, so that address, token, limits and errors are the same as for git itself.
 * `onRemote` gets what the remote side says of its progress. Source: gitprotocol-v2(5), «fetch», and
 * gitprotocol-http(5). Throws `clone_failed` when the answer is none or breaks off.
 */
export const fetchPack = async function* (
  gateway: WayOut,
  { repository: { owner, name }, commit }: Base,
  onRemote: (text: string) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { status, body } = await gateway({
    method: 'POST',
    path: `/${owner}/${name}.git/git-upload-pack`,
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      'git-protocol': 'version=2',
      // As git's own begin: there have been servers that answered nobody else.
      'user-agent': 'git/tiny-backspace',
    },
    body: one(fetchRequest(commit)),
    signal,
  });
  signal.throwIfAborted();
  if (status !== 200) throw broken('the request was refused');
  let isPack = false;
  for await (const packet of readPackets(body)) {
    if (packet === 'delimiter') continue;
    if (packet === 'flush') {
      if (!isPack) throw broken('there was no pack in the answer');
      return;
    }
    if (!isPack) isPack = startsPack(packet);
    else if (packet[0] === band.pack) yield packet.subarray(1);
    else if (packet[0] === band.progress) onRemote(textOf(packet.subarray(1)));
    else throw broken(quotable(textOf(packet.subarray(1))));
  }
  throw broken('the answer broke off');
};

const band = { pack: 1, progress: 2 } as const;

/** The sections before the pack tell what is known: that the commit has no parents here. */
const startsPack = (packet: Uint8Array): boolean => {
  const line = textOf(packet);
  if (line.startsWith('ERR ')) throw broken(quotable(line.slice(4)));
  return line.trimEnd() === 'packfile';
};

const fetchRequest = (commit: string): Buffer =>
  Buffer.concat([
    packet('command=fetch'),
    packet('agent=git/tiny-backspace'),
    packet('object-format=sha1'),
    Buffer.from('0001'),
    packet('ofs-delta'),
    packet(`want ${commit}`),
    packet('deepen 1'),
    packet('done'),
    Buffer.from('0000'),
  ]);

const packet = (line: string): Buffer =>
  Buffer.from(`${(line.length + 5).toString(16).padStart(4, '0')}${line}\n`);

const one = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

const broken = (why: string): AppError =>
  new AppError('clone_failed', `GitHub did not send the base: ${why}.`);
