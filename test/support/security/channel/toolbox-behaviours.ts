import { createHash } from 'node:crypto';
import tar from 'tar-stream';
import { times } from '../../sample.ts';
import type { CallsBehaviour } from './behaviour.ts';
import { data, flags, goaway, headers, literals } from './frames.ts';
import { answer, base64, hear, placesIn, type Step, send } from './script.ts';

/** What is done to the toolbox's process, its output and its files rather than to HTTP/2. */

const ok = headers(Buffer.from([0x88]));
const whole = headers(literals(['backspace-end', 'whole']), { flag: flags.endHeaders | flags.endStream });

/** Docker's own header of a frame for stdout, and a good-bye in it. */
const dockerFrame = (stream: number, bytes: Buffer): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
};
const forged = dockerFrame(1, goaway(1));

/** To stderr, beside a toolbox that goes on. */
const toStderr = (name: string, bytes: Buffer, much: { times?: number }): CallsBehaviour => ({
  ...{ session: 'calls', name, toolboxGoesOn: true, callEnds: 'answered' },
  steps: [{ do: 'send', bytes: base64(bytes), to: 2, ...much }],
});

const dripped = (frames: Buffer): Step => ({
  ...{ do: 'drip', bytes: base64(frames), places: placesIn(frames), pause: 1 },
});

const slow = (name: string, steps: Step[]): CallsBehaviour => ({
  ...{ session: 'calls', name, steps, call: 'run', callEnds: 'lost', slow: true },
});

export const slowBehaviours: CallsBehaviour[] = [
  slow('nothing, since its toolbox was stopped', []),
  slow('nothing, since its toolbox was killed and its pipes are kept', [
    hear,
    { do: 'kill', keepsPipes: true },
  ]),
  slow('half a frame, and then nothing', [
    hear,
    answer(ok),
    { ...answer(data('{"output":"a"}\n')), ...half() },
  ]),
  slow('half a header of a frame, and then nothing', [send(Buffer.from([0, 0, 16, 0]))]),
  slow('one byte a second', [
    hear,
    dripped(Buffer.concat([ok, data('{"output":"0123456789"}\n'.repeat(3))])),
  ]),
];

function half(): { bytes: string; places: number[] } {
  const frame = data('{"output":"a"}\n');
  return { bytes: base64(frame.subarray(0, frame.length / 2)), places: [5] };
}

const megabyte = 1 << 20;

export const toolboxBehaviours = async (): Promise<CallsBehaviour[]> => [
  {
    ...{ session: 'calls', name: 'nothing, since its toolbox was killed', callEnds: 'lost', call: 'run' },
    steps: [hear, { do: 'kill', keepsPipes: false }],
  },
  toStderr(
    'what looks like Docker’s own frames, to stderr',
    Buffer.concat([forged, Buffer.alloc(3), forged]),
    { times: 10_000 },
  ),
  toStderr('a gigabyte to stderr', Buffer.alloc(megabyte, 'x'), { times: times(200, 1024) }),
  {
    ...{ session: 'calls', name: 'what looks like Docker’s own frames, to stdout', callEnds: 'lost' },
    steps: [hear, send(forged)],
  },
  {
    ...{
      session: 'calls',
      name: 'a list of files, and other bytes in them',
      call: 'loot',
      callEnds: 'lost',
    },
    steps: [
      hear,
      answer(ok, data(`${JSON.stringify(listed('true'))}\n`), whole),
      hear,
      answer(ok, data(await archiveOf('evil')), whole),
    ],
  },
  {
    ...{
      session: 'calls',
      name: 'a list of files, and the same bytes in them',
      call: 'loot',
      callEnds: 'answered',
    },
    steps: [
      hear,
      answer(ok, data(`${JSON.stringify(listed('true'))}\n`), whole),
      hear,
      answer(ok, data(await archiveOf('true')), whole),
    ],
  },
  {
    ...{
      session: 'calls',
      name: 'success for a command that was never run',
      call: 'run',
      callEnds: 'answered',
    },
    steps: [
      hear,
      answer(
        ok,
        data('{"exitCode":0,"durationMs":1,"timedOut":false,"bytesLeftOut":0,"outputFile":null}\n'),
        whole,
      ),
    ],
  },
];

const listed = (content: string) => ({
  ...{ path: 'bin/check', mode: '100755', size: content.length },
  blobId: createHash('sha1').update(`blob ${content.length}\0${content}`).digest('hex'),
});

const archiveOf = async (content: string): Promise<Buffer> => {
  const pack = tar.pack();
  pack.entry({ name: 'bin/check' }, content);
  pack.finalize();
  return Buffer.concat(await Array.fromAsync(pack as AsyncIterable<Buffer>));
};
