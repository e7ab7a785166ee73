import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findWeakened } from '../../../../server/domain/checks/weakened-tests.ts';

/** The largest that is read. */
const characters = 200_000;

/** One for each language, kind of settings and kind of marks. */
const paths = [
  'a.test.js',
  'test_a.py',
  'a_test.go',
  'a.rs',
  'ATest.java',
  'ATest.cs',
  'a_spec.rb',
  'tests/a.php',
  'a.bats',
  'a_test.cc',
  'ATests.swift',
  'a_test.exs',
  'src/a.js',
  'package.json',
  'pyproject.toml',
  'setup.cfg',
  'Makefile',
  'CMakeLists.txt',
  'pom.xml',
  'jest.config.js',
];

const runs = [
  ...'[](){}<>"\'`\\#/*-=@.,:!&_a1 \t\n',
  '\r\n',
  '()',
  '\\"',
  '"",',
  'a ',
  'a,',
  'a:\n',
  '.a',
  '\n a',
];

const words = [
  ...['test ', 'test(', 'it(', 'it("', 'it("",', 'it({', '{skip', 'describe.', 'expect(', 'expect(1)'],
  ...['assert', 'assert ', 'assert(', 'assert.', '\nassert ', 'Assert.a<', '1 == ', 'skip '],
  ...['@pytest.mark.', 'def test_', '\ndef test_', 'func Test', 't.Run("', '\n[', '@test "', 'function '],
  ...['#[test]', '#[test', '#[a::', '#[cfg_attr(', '@Test ', '@Test(', '@Test\n@A(', '@A()', 'public '],
  ...['[Test]', '[Test', 'TEST(a,', 'TEST_CASE("', '/*\n', '\n//', '# ', '# type:', 'ignore '],
  ...['threshold ', 'target: 1', 'minimum "'],
];

/** What a pattern has found already when a run begins; the last ones let it begin many times over before. */
const openings = [
  ...['test', 'it("a"', 'it("a",', 'it({', 'it({skip', 'expect', 'expect(1)', 'expect(1).to eq', 'raise'],
  ...['assert', 'assert_equal', 'assert true', 'Assert.A', '\ndef', '\ndef test_a', '\npytestmark ='],
  ...['\nfunc', '\nfunc TestA', 't.Run(', '\n@test', '\n@test ""', '\n[ 1', 'TEST(a', 'function', '#', '//'],
  ...['@Test', '@Test @A(', '@Test @A()', '@Test\npublic', '[Test]', '[Test] public', '#[test]', 'c8'],
  ...['#[test]\npub', '@Test func', '[tool.pytest]\n', 'test:', 'minimum'],
  ...[`${'@Test(@Test('.repeat(24)})`, `${'[Test'.repeat(60)}]`, `${'#[test'.repeat(40)}]`],
  `${'it("'.repeat(70)}",`,
];
const after = [' ', '\n', 'a', '1', '(', '()', '@A ', 'public '];

/**
 * Of the processor's time, so that others on the machine do not count: the worst of them takes a tenth of that, and
 * with one pattern that tries each way to share a run it is five times as much.
 */
const oneTextMsMax = 2500;

test('texts that are written to hold the server up are read at once', () => {
  const read = (path: string, what: string, text: string) => {
    const started = process.cpuUsage();
    findWeakened([{ path, before: '[tool.pytest]\n', after: text.slice(0, characters) }]);
    const { user, system } = process.cpuUsage(started);
    const ms = Math.round((user + system) / 1000);
    assert.ok(ms < oneTextMsMax, `${ms} ms for ${JSON.stringify(what.slice(0, 40))} in ${path}`);
  };
  const filled = (opening: string, run: string) => opening + run.repeat(Math.ceil(characters / run.length));
  const texts = [
    ...[...runs, ...words].map((run) => [run, filled('', run)] as const),
    ...openings.flatMap((opening) => after.map((run) => [`${opening}${run}`, filled(opening, run)] as const)),
  ];
  for (const [what, text] of texts) for (const path of paths) read(path, what, text);
});
