import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WayOut } from '../../../server/domain/sandbox.ts';
import { fetchPack } from '../../../server/github/fetch-pack.ts';
import { readPackets } from '../../../server/github/packets.ts';

const never = new AbortController().signal;
const base = {
  repositoryId: 1,
  repository: { owner: 'acme', name: 'shop' },
  private: false,
  branch: 'main',
  commit: 'a'.repeat(40),
};

const packet = (payload: string): string => `${(payload.length + 4).toString(16).padStart(4, '0')}${payload}`;
const before = `${packet('shallow-info\n')}${packet(`shallow ${base.commit}\n`)}0001${packet('packfile\n')}`;

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size), 'latin1');
}

/** What is made of an answer that comes in pieces of this size. */
const fetched = async (answer: string, size = answer.length, status = 200) => {
  const remote: string[] = [];
  const asked: string[] = [];
  const gateway: WayOut = async ({ method, path, body }) => {
    asked.push(`${method} ${path}`);
    for await (const piece of body) asked.push(Buffer.from(piece).toString());
    return { status, headers: {}, body: inPieces(answer, size) };
  };
  const pieces = await Array.fromAsync(fetchPack(gateway, base, (text) => remote.push(text), never));
  return { pack: Buffer.concat(pieces).toString('latin1'), remote: remote.join(''), asked };
};

describe('the pack of a base', () => {
  test('is asked for in one request, for one commit without its history', async () => {
    const { asked } = await fetched(`${before}${packet('\x01PACK')}0000`);
    assert.deepEqual(asked, [
      'POST /acme/shop.git/git-upload-pack',
      `0012command=fetch\n001dagent=git/tiny-backspace\n0017object-format=sha1\n0001000eofs-delta\n0032want ${base.commit}\n000ddeepen 1\n0009done\n0000`,
    ]);
  });

  test('comes whole and in order, whichever pieces the network makes of it', async () => {
    const answer = `${before}${packet('\x02Counting objects:  50% (1/2)\r')}${packet('\x01PACK')}${packet('\x01\0\xff\r\n')}${packet('\x02done\n')}${packet(`\x01${'x'.repeat(65_000)}`)}0000`;
    for (const size of [1, 3, 5, 1000, answer.length]) {
      const { pack, remote } = await fetched(answer, size);
      assert.equal(pack, `PACK\0\xff\r\n${'x'.repeat(65_000)}`);
      assert.equal(remote, 'Counting objects:  50% (1/2)\rdone\n');
    }
  });

  for (const [what, answer, message] of [
    [
      'refused by the remote side',
      packet('ERR upload-pack: not our ref\x1b[31m\n'),
      /: upload-pack: not our ref \[31m\.$/,
    ],
    [
      'given up in the middle',
      `${before}${packet('\x01PACK')}${packet('\x03out of memory\n')}0000`,
      /: out of memory\.$/,
    ],
    ['cut between two packets', `${before}${packet('\x01PACK')}`, /: the answer broke off\.$/],
    ['cut in a packet', `${before}${packet('\x01PACK').slice(0, -1)}`, /in the middle of a packet\.$/],
    ['no pack at all', `${packet('acknowledgments\n')}0000`, /: there was no pack in the answer\.$/],
    ['not git’s', '<html>', /: the answer is not in git’s protocol\.$/],
    ['with a length beyond git’s', 'fff1', /: the answer is not in git’s protocol\.$/],
    ['with a length that is none', '0003', /: the answer is not in git’s protocol\.$/],
  ] as const) {
    test(`that is ${what} is an error that says so`, async () => {
      for (const size of [1, answer.length]) {
        await assert.rejects(fetched(answer, size), { code: 'clone_failed', message });
      }
    });
  }

  test('that the gateway does not let through is an error', async () => {
    await assert.rejects(fetched('no', 2, 403), { code: 'clone_failed', message: /the request was refused/ });
  });
});

test('a packet that is promised and does not come is not waited for in memory', async () => {
  let asked = 0;
  const endless = async function* () {
    for (;;) {
      asked += 1;
      yield Buffer.from('ffff');
    }
  };
  await assert.rejects(Array.fromAsync(readPackets(endless())), { code: 'clone_failed' });
  assert.equal(asked, 1);
});
