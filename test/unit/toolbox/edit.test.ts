import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Edit } from '../../../server/domain/sandbox.ts';
import { soon } from '../../support/sandboxes.ts';
import { startToolboxProcess, type ToolboxProcess } from '../../support/toolbox-process.ts';

let running: ToolboxProcess;
before(async () => {
  running = await startToolboxProcess();
});
after(() => running[Symbol.asyncDispose]());

const at = (name: string) => path.join(running.workspace, name);
const put = (name: string, content: string | Uint8Array) => writeFile(at(name), content);
const textOf = (name: string) => readFile(at(name), 'utf8');
const editAll = (filepath: string, edits: Edit[]) => running.toolbox.edit({ filepath, edits }, soon());
const edit = (filepath: string, old_str: string, new_str: string, replace_all?: boolean) =>
  editAll(filepath, [{ old_str, new_str, replace_all }]);
const madeAt = (...lines: number[]) => ({ ok: true, edits: lines.map((line) => ({ line, places: 1 })) });

/** What the model is told of a text that is not in the file. */
const refusal = async (content: string, old_str: string): Promise<string[]> => {
  await put('refused.ts', content);
  const reply = await edit('refused.ts', old_str, 'something else');
  assert.ok(!reply.ok);
  assert.equal(await textOf('refused.ts'), content);
  return reply.message.split('\n');
};

describe('one edit', () => {
  test('replaces the one place and says its line', async () => {
    await put('edit.txt', 'one\ntwo\nthree\n');
    assert.deepEqual(await edit('edit.txt', 'two\n', 'zwei\nzwo\n'), madeAt(2));
    assert.equal(await textOf('edit.txt'), 'one\nzwei\nzwo\nthree\n');
  });

  test('puts $& and other patterns of String.replace in as they are', async () => {
    await put('dollar.txt', 'price\n');
    await edit('dollar.txt', 'price', "$& $1 $$ $'");
    assert.equal(await textOf('dollar.txt'), "$& $1 $$ $'\n");
  });

  test('a text that is there more than once is refused with the lines of all, and replaced everywhere on demand', async () => {
    await put('twice.txt', 'x = 1\ny = 2\nx = 1\n');
    assert.deepEqual(await edit('twice.txt', 'x = 1', 'x = 3'), {
      ok: false,
      edit: 0,
      message:
        'old_str stands 2 times in twice.txt (lines 1, 3): add lines around it until it is the only one, or set replace_all to change it everywhere.',
    });
    assert.equal(await textOf('twice.txt'), 'x = 1\ny = 2\nx = 1\n');
    const everywhere = { ok: true, edits: [{ line: 1, places: 2 }] };
    assert.deepEqual(await edit('twice.txt', 'x = 1', 'x = 3', true), everywhere);
    assert.equal(await textOf('twice.txt'), 'x = 3\ny = 2\nx = 3\n');
  });

  test('places that overlap are several, but each letter is replaced once', async () => {
    await put('overlap.txt', 'aaaa');
    const refused = await edit('overlap.txt', 'aa', 'b');
    assert.ok(!refused.ok && refused.message.startsWith('old_str stands 3 times'), JSON.stringify(refused));
    assert.deepEqual(await edit('overlap.txt', 'aa', 'b', true), {
      ok: true,
      edits: [{ line: 1, places: 2 }],
    });
    assert.equal(await textOf('overlap.txt'), 'bb');
  });

  test('one with very many places is left to a command', async () => {
    await put('many.txt', 'a'.repeat(50_000));
    const reply = await edit('many.txt', 'a', 'bb', true);
    const message = 'That would be too much for one edit of many.txt: use bash (sed, python3).';
    assert.deepEqual(reply, { ok: false, message, edit: 0 });
    const twice = await edit('many.txt', 'a', 'bb');
    assert.ok(!twice.ok && twice.message.startsWith('old_str stands more than 10000 times'));
  });

  test('an empty old_str and one that equals new_str are refused', async () => {
    await put('same.ts', 'a\n');
    assert.deepEqual(
      [await edit('same.ts', '', 'b'), await edit('same.ts', 'a', 'a')],
      [
        { ok: false, message: 'old_str is empty: to make or replace a whole file, use write.', edit: 0 },
        { ok: false, message: 'old_str and new_str are the same: nothing to change.', edit: 0 },
      ],
    );
  });

  test('a file with one kind of line ends takes the other kind for it and keeps its own', async () => {
    await put('crlf.txt', 'one\r\ntwo\r\nthree\r\n');
    assert.deepEqual(await edit('crlf.txt', 'one\ntwo\n', 'one\n1.5\ntwo\n'), madeAt(1));
    assert.equal(await textOf('crlf.txt'), 'one\r\n1.5\r\ntwo\r\nthree\r\n');
    await put('lf.txt', 'one\ntwo\n');
    assert.deepEqual(await edit('lf.txt', 'one\r\ntwo', 'one\r\n1.5\r\ntwo'), madeAt(1));
    assert.equal(await textOf('lf.txt'), 'one\n1.5\ntwo\n');
  });

  test('bytes that are not UTF-8 stay as they are around an edit', async () => {
    const latin1 = (text: string) => Buffer.from(text, 'latin1');
    await put('latin1.txt', latin1('caf\xe9\nred\nna\xefve\n'));
    assert.deepEqual(await edit('latin1.txt', 'red', 'rosé'), madeAt(2));
    assert.deepEqual(
      await readFile(at('latin1.txt')),
      Buffer.concat([latin1('caf\xe9\n'), Buffer.from('rosé'), latin1('\nna\xefve\n')]),
    );
  });

  test('a directory and a missing file are refused like for read', async () => {
    await mkdir(at('edit-folder'));
    const directory = await edit('edit-folder', 'a', 'b');
    const message = 'edit-folder is a directory: use list to see what is in it.';
    assert.deepEqual(directory, { ok: false, message });
    const missing = await edit('edit-missing.txt', 'a', 'b');
    assert.ok(
      !missing.ok && missing.message.startsWith('No file at edit-missing.txt.'),
      JSON.stringify(missing),
    );
  });

  test('a file that cannot be written says so', async () => {
    const reply = await edit('/proc/version', 'Linux', 'Minix');
    assert.ok(
      !reply.ok && reply.message.startsWith('/proc/version could not be written: '),
      JSON.stringify(reply),
    );
  });
});

describe('several edits', () => {
  test('are made in their order, each on what the one before has left, and say their lines in the end', async () => {
    await put('several.txt', 'one\ntwo\nthree\n');
    const edits = [
      { old_str: 'three', new_str: 'drei\nvier' },
      { old_str: 'one\n', new_str: 'null\neins\n' },
      { old_str: 'vier', new_str: 'fünf' },
    ];
    assert.deepEqual(await editAll('several.txt', edits), madeAt(4, 1, 5));
    assert.equal(await textOf('several.txt'), 'null\neins\ntwo\ndrei\nfünf\n');
  });

  test('are all left undone when one of them does not fit', async () => {
    await put('undone.txt', 'one\ntwo\n');
    const first = { old_str: 'one', new_str: 'eins' };
    const told = async (second: Edit) => {
      const reply = await editAll('undone.txt', [first, second]);
      assert.equal(await textOf('undone.txt'), 'one\ntwo\n');
      return reply.ok ? reply : [reply.edit, reply.message];
    };
    assert.deepEqual(
      [
        await told({ old_str: 'seventeen', new_str: 'siebzehn' }),
        await told({ old_str: 'one\ntwo', new_str: '' }),
      ],
      [
        [
          1,
          'Edit 2 of 2: old_str is not in undone.txt, and nothing in it is like it: read the file again, or search for a word of it.\nNone of the edits was made. Lines are counted as if those before this one were.',
        ],
        [
          1,
          'Edit 2 of 2: old_str was in the file, but an edit before it has changed that place: the edits are made in order, each on what the one before has left.\nNone of the edits was made. Lines are counted as if those before this one were.',
        ],
      ],
    );
  });
});

describe('a text that is not in the file', () => {
  const total =
    'function total(items) {\n\tlet sum = 0;\n\tfor (const item of items) {\n\t\tsum += item.price;\n\t}\n\treturn sum;\n}\n';

  test('but for its indentation is told so, in tabs and spaces', async () => {
    assert.deepEqual(
      await refusal(total, 'function total(items) {\n    let sum = 0;\n    for (const item of items) {'),
      [
        'old_str is not in refused.ts exactly as given, but lines 1 to 3 differ only in indentation (line 2 begins with 1 tab, in old_str 4 spaces; line 3 begins with 1 tab, in old_str 4 spaces). Copy the text as it is there. From old_str (-) to the file (+):',
        ' function total(items) {',
        '-    let sum = 0;',
        '-    for (const item of items) {',
        '+\tlet sum = 0;',
        '+\tfor (const item of items) {',
      ],
    );
  });

  test('but for what is easily overlooked is told what that is', async () => {
    const differences: [content: string, old_str: string, told: RegExp][] = [
      ['a = 1;\nb = 2;\n', 'a = 1;  \nb = 2;', /line 1 ends with nothing, in old_str 2 spaces/],
      ['a = 1;\n  b = a*2;\n', 'b = a * 2;', /line 2 differs only in white space\./],
      ['say("it’s – so")\n', 'say("it\'s - so")', /line 1 differs only in quotes, dashes or invisible/],
      ['const Total = 1;\n', 'const total = 1;', /line 1 differs only in upper and lower case/],
      [
        'a\r\nb\nc\r\n',
        'b\nc\n',
        /only in line ends \(line 3 ends with 1 carriage return, in old_str nothing\)/,
      ],
    ];
    for (const [content, old_str, told] of differences) {
      assert.match((await refusal(content, old_str))[0] ?? '', told);
    }
  });

  test('is shown beside the lines most like it', async () => {
    const old = total.replace('let sum = 0', 'let sum = 1').replace('item.price', 'item.cost');
    assert.deepEqual(await refusal(`// Sums.\n\n${total}`, old), [
      'old_str is not in refused.ts. Most like it are lines 3 to 9. Copy the text as it is there. From old_str (-) to the file (+):',
      ' function total(items) {',
      '-\tlet sum = 1;',
      '+\tlet sum = 0;',
      ' \tfor (const item of items) {',
      '-\t\tsum += item.cost;',
      '+\t\tsum += item.price;',
      ' \t}',
      '…',
    ]);
    assert.match((await refusal(total, '\treturn sums;'))[0] ?? '', /Most like it is line 6\./);
  });

  test('is shown where it differs, however long the line is', async () => {
    const words = Array.from({ length: 300 }, (_, index) => `word${index}`).join(' ');
    const shown = await refusal(`start ${words} end\n`, words.replace('word200', 'WORD200'));
    assert.equal(shown.length, 3);
    for (const row of shown.slice(1)) assert.match(row, /^[-+]….*word199 word200 word201.*…$/i);
    const blank = ' '.repeat(2 << 20);
    assert.match((await refusal(`a${blank}b\n`, `a${blank}b  `))[0] ?? '', /ends with nothing, in old_str 2/);
  });

  test('with line numbers, escapes or entities in it is told to leave them out', async () => {
    const slips: [content: string, old_str: string, told: RegExp][] = [
      [
        total,
        '     1\tfunction total(items) {\n     2\t\tlet sum = 0;',
        /without the line numbers .* leave them/,
      ],
      [total, 'items) {\\n\\tlet sum', /do not escape the text/],
      ['if (a < b && c) run();\n', 'if (a &lt; b &amp;&amp; c)', /give the characters as they are/],
    ];
    for (const [content, old_str, told] of slips) {
      assert.match((await refusal(content, old_str))[0] ?? '', told);
    }
  });

  test('or anything like it is refused with what to do', async () => {
    const nothing =
      'old_str is not in refused.ts, and nothing in it is like it: read the file again, or search for a word of it.';
    assert.deepEqual(await refusal(total, 'class Books extends Shelf'), [nothing]);
    assert.deepEqual(await refusal(total, '\n\n\n'), [
      'old_str is white space that is not in refused.ts: take text around it.',
    ]);
  });

  test('is answered soon and shortly, however long file and text are', async () => {
    const line = (index: number) => `line ${index} of a long file, with ${index * 7} in it`;
    const long = Array.from({ length: 400_000 }, (_, index) => line(index)).join('\n');
    await put('long.txt', long);
    const texts = [
      line(400_001),
      Array.from({ length: 1500 }, (_, index) => line(index * 2)).join('\n'),
      'x'.repeat(1 << 20),
      'a\n'.repeat(100_000),
    ];
    for (const old_str of texts) {
      const started = performance.now();
      const reply = await edit('long.txt', old_str, 'y');
      assert.ok(!reply.ok);
      assert.ok(Buffer.byteLength(reply.message) < 2500, reply.message);
      assert.ok(performance.now() - started < 20_000);
    }
  });
});
