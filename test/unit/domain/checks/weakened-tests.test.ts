import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ChangedText, findWeakened } from '../../../../server/domain/checks/weakened-tests.ts';

const found = (...files: ChangedText[]): string[] =>
  findWeakened(files).map(({ path, what }) => `${path}: ${what}`);

const js = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../../src/total.js';

test('adds the prices', () => {
  assert.equal(total([1, 2]), 3);
  assert.equal(total([]), 0);
});

test("refuses what is no price", () => {
  assert.throws(() => total(['x']), /price/);
});
`;

const py = `import pytest
from shop import total


class TestTotal:
    def test_adds(self):
        assert total([1, 2]) == 3
        assert total([]) == 0

    async def test_refuses(self):
        with pytest.raises(ValueError):
            total(["x"])
`;

const go = `package shop

import "testing"

func TestTotal(t *testing.T) {
	if got := Total(1, 2); got != 3 {
		t.Errorf("got %d", got)
	}
}

func TestRefuses(t *testing.T) {
	t.Run("a word", func(t *testing.T) {
		require.Error(t, Check("x"))
	})
}
`;

const rust = `pub fn total(prices: &[u32]) -> u32 { prices.iter().sum() }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds() {
        assert_eq!(total(&[1, 2]), 3);
        assert!(total(&[]) == 0);
    }

    #[tokio::test]
    async fn waits() {
        assert_eq!(later().await, 1);
    }
}
`;

const java = `class TotalTest {
  @Test
  void adds() {
    assertEquals(3, total(1, 2));
    assertThat(total()).isZero();
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "y"})
  void refuses(String word) {
    assertThrows(IllegalArgumentException.class, () -> check(word));
  }
}
`;

const ruby = `describe Total do
  it 'adds' do
    expect(total([1, 2])).to eq(3)
  end

  it "refuses" do
    expect { total(['x']) }.to raise_error(ArgumentError)
  end
end
`;

const bats = `@test "adds" {
  run total 1 2
  [ "$status" -eq 0 ]
  [ "$output" = "3" ]
}

@test "refuses" {
  run total x
  [ "$status" -eq 1 ]
}
`;

const suites = {
  'tests/total.test.js': js,
  'tests/test_total.py': py,
  'total_test.go': go,
  'src/total.rs': rust,
  'src/test/java/TotalTest.java': java,
  'spec/total_spec.rb': ruby,
  'test/total.bats': bats,
};

describe('in every language', () => {
  for (const [path, before] of Object.entries(suites)) {
    test(`a file of tests that stays is not weaker: ${path}`, () => {
      assert.deepEqual(found({ path, before, after: before }), []);
    });

    test(`one that is deleted is: ${path}`, () => {
      const cases = path.endsWith('.go') ? 3 : 2;
      assert.deepEqual(found({ path, before }), [
        `${path}: The file is deleted with its ${cases} test cases.`,
      ]);
    });

    test(`a new one is not, and one that moves is not: ${path}`, () => {
      assert.deepEqual(found({ path, after: before }), []);
      assert.deepEqual(found({ path, before }, { path: `tests/moved/${path}`, after: before }), []);
    });
  }
});

describe('a test case that is gone', () => {
  for (const [path, first, rest] of [
    ['tests/total.test.js', js, js.slice(0, js.indexOf('test("refuses'))],
    ['tests/test_total.py', py, py.slice(0, py.indexOf('    async def'))],
    ['src/total.rs', rust, rust.replace(/ {4}#\[tokio[\s\S]*?\n {4}\}\n/, '')],
    ['src/test/java/TotalTest.java', java, `${java.slice(0, java.indexOf('  @Param'))}}\n`],
    ['spec/total_spec.rb', ruby, `${ruby.slice(0, ruby.indexOf('  it "ref'))}end\n`],
    ['test/total.bats', bats, bats.slice(0, bats.indexOf('@test "refuses'))],
  ] as const) {
    test(`is noticed: ${path}`, () => {
      assert.deepEqual(found({ path, before: first, after: rest }), [`${path}: 1 of 2 test cases is gone.`]);
    });
  }

  test('is noticed when it is a comment now', () => {
    const path = 'tests/total.test.js';
    const lines = js.replace(/test\("refuses[\s\S]*$/, (block) => block.replaceAll(/^/gm, '// '));
    assert.deepEqual(found({ path, before: js, after: lines }), [`${path}: 1 of 2 test cases is gone.`]);
    const block = js.replace(/test\("refuses[\s\S]*$/, (text) => `/*\n${text}*/\n`);
    assert.deepEqual(found({ path, before: js, after: block }), [`${path}: 1 of 2 test cases is gone.`]);
    const hashes = py.replace(/ {4}async def[\s\S]*$/, (text) => text.replaceAll(/^/gm, '# '));
    assert.deepEqual(found({ path: 'test_a.py', before: py, after: hashes }), [
      'test_a.py: 1 of 2 test cases is gone.',
    ]);
  });

  test('may have another name', () => {
    const path = 'tests/total.test.js';
    const after = js.replace('adds the prices', 'adds all prices');
    assert.deepEqual(found({ path, before: js, after }), [
      `${path}: 1 of 2 test cases is gone, or called something else now.`,
    ]);
  });

  test('is not gone when another file has it now', () => {
    const refuses = js.slice(js.indexOf('test("refuses'));
    const files = [
      { path: 'tests/total.test.js', before: js, after: js.replace(refuses, '') },
      { path: 'tests/refuse.test.js', after: refuses },
    ];
    assert.deepEqual(found(...files), []);
    // But it does not stand for two.
    const twice = { path: 'tests/other.test.js', before: js, after: js.replace(refuses, '') };
    assert.deepEqual(found(...files, twice), ['tests/other.test.js: 1 of 2 test cases is gone.']);
  });

  test('is gone when the other file is none that is run', () => {
    assert.deepEqual(found({ path: 'tests/a.test.js', before: js }, { path: 'old/a.js.txt', after: js }), [
      'tests/a.test.js: The file is deleted with its 2 test cases.',
    ]);
  });
});

describe('a test that is skipped', () => {
  for (const [path, before, from, to] of [
    ['a.test.js', js, "test('adds", "test.skip('adds"],
    ['a.test.js', js, "test('adds", "test.todo('adds"],
    ['a.test.js', js, "test('adds", "test.only('adds"],
    ['a.test.js', js, "test('adds the prices', ", "test('adds the prices', { skip: true }, "],
    [
      'a.test.js',
      js,
      "test('adds the prices', ",
      "test('adds the prices', {\n  timeout: 5,\n  skip: 'later',\n}, ",
    ],
    ['a.test.js', js, "test('adds", "xit('adds"],
    ['a.test.js', js, 'test("refuses', 'describe.only("x", () => {});\ntest("refuses'],
    ['a.test.js', js, '  assert.throws', '  t.skip();\n  assert.throws'],
    ['test_a.py', py, '    def test_adds', '    @pytest.mark.skip(reason="flaky")\n    def test_adds'],
    ['test_a.py', py, '    def test_adds', '    @pytest.mark.xfail\n    def test_adds'],
    ['test_a.py', py, '    def test_adds', '    @unittest.skipIf(True, "no")\n    def test_adds'],
    ['test_a.py', py, '        assert total([1', '        pytest.skip("later")\n        assert total([1'],
    ['test_a.py', py, 'class', 'pytestmark = pytest.mark.skip\n\nclass'],
    ['a_test.go', go, '\tif got', '\tt.Skip("flaky")\n\tif got'],
    ['a_test.go', go, '\tif got', '\tt.SkipNow()\n\tif got'],
    ['src/a.rs', rust, '    fn adds', '    #[ignore]\n    fn adds'],
    ['src/a.rs', rust, '    fn adds', '    #[ignore = "flaky"]\n    fn adds'],
    ['ATest.java', java, '  @Test\n', '  @Test\n  @Disabled("flaky")\n'],
    ['ATest.java', java, '  @Test\n', '  @Ignore\n  @Test\n'],
    ['a_spec.rb', ruby, "  it 'adds'", "  xit 'adds'"],
    ['a_spec.rb', ruby, '    expect(total', '    skip\n    expect(total'],
    ['a.bats', bats, '  run total 1', '  skip "later"\n  run total 1'],
  ] as const) {
    test(`is noticed: ${to
      .split('\n')
      .find((line) => /\S/.test(line))
      ?.trim()} in ${path}`, () => {
      const after = before.replace(from, to);
      assert.notEqual(after, before);
      assert.deepEqual(found({ path, before, after }), [
        `${path}: 1 new mark to skip tests, or to run only some of them.`,
      ]);
    });
  }

  test('is noticed in a new file, too', () => {
    assert.deepEqual(found({ path: 'a.test.js', after: "describe.skip('x', () => {\n  it('y', f);\n});" }), [
      'a.test.js: 1 new mark to skip tests, or to run only some of them.',
    ]);
  });

  test('is no news in a file that only moved', () => {
    const skipped = js.replace("test('adds", "test.skip('adds");
    const files = [
      { path: 'a.test.js', before: skipped },
      { path: 'b.test.js', after: skipped },
    ];
    assert.deepEqual(found(...files), []);
    const more = { path: 'c.test.js', after: "test.skip('x', f);\n" };
    assert.deepEqual(found(...files, more), [
      'c.test.js: 1 new mark to skip tests, or to run only some of them.',
    ]);
  });

  test('is none where the word means something else', () => {
    const after = `${js}
const rows = await books.findMany({ skip: 10, take: 5, only: 'a' });
test('skips a page', { timeout: 5 }, () => {
  assert.deepEqual(page.skip(1), rows.todo, 'only: one');
  assert.match(text, /it.skip/);
});
test('off', { skip: false }, () => assert.ok(x));
`;
    assert.deepEqual(found({ path: 'a.test.js', before: js, after }), []);
  });
});

describe('an assertion', () => {
  for (const [path, before, gone] of [
    ['a.test.js', js, '  assert.equal(total([]), 0);\n'],
    ['test_a.py', py, '        assert total([]) == 0\n'],
    ['src/a.rs', rust, '        assert!(total(&[]) == 0);\n'],
    ['ATest.java', java, '    assertThat(total()).isZero();\n'],
    ['a.bats', bats, '  [ "$output" = "3" ]\n'],
  ] as const) {
    test(`that is gone is noticed: ${path}`, () => {
      const after = before.replace(gone, '');
      assert.notEqual(after, before);
      const [what = ''] = found({ path, before, after });
      assert.match(what, /: It has 1 assertion fewer than before: \d instead of \d\.$/);
    });
  }

  for (const [path, before, from, to] of [
    ['a.test.js', js, 'assert.equal(total([1, 2]), 3)', 'assert.ok(true)'],
    ['a.test.js', js, 'assert.equal(total([1, 2]), 3)', 'assert.equal(1, 1)'],
    ['a.test.js', js, 'assert.equal(total([1, 2]), 3)', 'expect(true).toBe(true)'],
    ['test_a.py', py, 'assert total([1, 2]) == 3', 'assert True'],
    ['test_a.py', py, 'assert total([1, 2]) == 3', 'self.assertTrue(True)'],
    ['a_test.go', go, 'require.Error(t, Check("x"))', 'require.True(t, true)'],
    ['src/a.rs', rust, 'assert_eq!(total(&[1, 2]), 3)', 'assert!(true)'],
    ['ATest.java', java, 'assertEquals(3, total(1, 2))', 'assertTrue(true)'],
    ['a_spec.rb', ruby, 'expect(total([1, 2])).to eq(3)', 'expect(true).to be(true)'],
    ['a.bats', bats, '[ "$output" = "3" ]', '[ 1 -eq 1 ]'],
  ] as const) {
    test(`that holds whatever happens is noticed: ${to}`, () => {
      const after = before.replace(from, to);
      assert.notEqual(after, before);
      const [fewer = '', empty = '', ...more] = found({ path, before, after });
      assert.match(fewer, /It has 1 assertion fewer/);
      assert.match(empty, /1 new assertion that holds whatever the code does\.$/);
      assert.deepEqual(more, []);
    });
  }

  test('may move to another file, and may be replaced by another', () => {
    const line = '  assert.equal(total([]), 0);\n';
    assert.deepEqual(
      found(
        { path: 'a.test.js', before: js, after: js.replace(line, '') },
        { path: 'b.test.js', after: `test('nothing', () => {\n${line}});\n` },
      ),
      [],
    );
    assert.deepEqual(found({ path: 'a.test.js', before: js, after: js.replace('3)', '4)') }), []);
  });

  test('that is lost when its test case moves is noticed', () => {
    const after = js.replace('  assert.equal(total([]), 0);\n', '');
    assert.deepEqual(found({ path: 'a.test.js', before: js }, { path: 'b.test.js', after }), [
      'a.test.js: Its test cases have moved, but not all of its 3 assertions.',
    ]);
  });

  test('outside of tests is none of ours', () => {
    const before = 'assert(x);\nassert(y);\n';
    assert.deepEqual(found({ path: 'src/app.js', before, after: 'assert(x);\n' }), []);
  });
});

describe('the settings of checks', () => {
  const pack = (scripts: object, more: object = {}) => JSON.stringify({ scripts, ...more }, null, 2);
  const before = pack(
    { test: 'node --test', lint: 'eslint .', build: 'x', 'test:unit': 'y' },
    { version: '1' },
  );

  for (const [what, after, expected] of [
    ['scripts that stay', pack({ test: 'node --test', lint: 'eslint .', build: 'z', 'test:unit': 'y' }), []],
    [
      'a changed script',
      before.replace('node --test', 'node --test || true'),
      ['The script `test` is changed.'],
    ],
    [
      'a script that is gone',
      pack({ test: 'node --test', lint: 'eslint .', build: 'x' }),
      ['The script `test:unit` is gone.'],
    ],
    ['an added script', pack({ test: 'node --test', lint: 'eslint .', 'test:unit': 'y', check: 'z' }), []],
    ['no JSON', '{', ['It is gone or no valid JSON: its checks cannot run.']],
    ['a deleted one', undefined, ['It is gone or no valid JSON: its checks cannot run.']],
  ] as const) {
    test(`package.json with ${what}`, () => {
      const file = { path: 'package.json', before, ...(after === undefined ? {} : { after }) };
      assert.deepEqual(
        found(file),
        expected.map((sentence) => `package.json: ${sentence}`),
      );
    });
  }

  test('thresholds that are lower, or gone', () => {
    const old = pack({}, { jest: { coverageThreshold: { global: { branches: 80, lines: 90.5 } } } });
    const lower = 'package.json: A threshold, such as that of the coverage, is lower or gone.';
    const changed = 'package.json: The settings `jest` are changed.';
    const of = (after: string) => found({ path: 'package.json', before: old, after });
    assert.deepEqual(of(old.replace('80', '70')), [lower, changed]);
    assert.deepEqual(of(pack({}, { jest: {} })), [lower, changed]);
    assert.deepEqual(of(old.replace('80', '85')), [changed]);
    const toml = '[tool.coverage.report]\nfail_under = 90\n';
    assert.deepEqual(found({ path: 'pyproject.toml', before: toml, after: toml.replace('90', '9') }), [
      'pyproject.toml: A threshold, such as that of the coverage, is lower or gone.',
      'pyproject.toml: Settings of a test tool or checker are changed.',
    ]);
    const pom = '<limit><minimum>0.80</minimum></limit>';
    assert.deepEqual(found({ path: 'pom.xml', before: pom, after: pom.replace('0.80', '0.10') }), [
      'pom.xml: A threshold, such as that of the coverage, is lower or gone.',
    ]);
    assert.deepEqual(found({ path: 'pom.xml', before: pom, after: `${pom}<dependency/>` }), []);
  });

  test('of pyproject.toml only what concerns checks', () => {
    const old = '[project]\ndependencies = []\n\n[tool.pytest.ini_options]\naddopts = "-q"\n';
    const of = (after: string) => found({ path: 'pyproject.toml', before: old, after });
    assert.deepEqual(of(old.replace('[]', '["flask"]')), []);
    assert.deepEqual(of(old.replace('-q', '-q --ignore=tests/slow')), [
      'pyproject.toml: Settings of a test tool or checker are changed.',
    ]);
  });

  test('of pyproject.toml in every table of a tool', () => {
    for (const header of ['[tool.ruff]', '[[tool.mypy.overrides]]', '[tool.coverage.run] # all']) {
      const old = `${header}\nx = 1\n[project]\ny = 1\n`;
      const of = (after: string) => found({ path: 'pyproject.toml', before: old, after });
      assert.deepEqual(of(old.replace('y = 1', 'y = 2')), []);
      assert.deepEqual(of(old.replace('x = 1', 'x = 2')), [
        'pyproject.toml: Settings of a test tool or checker are changed.',
      ]);
    }
  });

  test('of package.json that are nested too deeply to be compared count as changed', () => {
    const deep = `{"jest":${'['.repeat(90_000)}${']'.repeat(90_000)}}`;
    const settings = 'package.json: The settings `jest` are changed.';
    assert.deepEqual(found({ path: 'package.json', before: '{"jest":{}}', after: deep }), [settings]);
    assert.deepEqual(found({ path: 'package.json', before: deep, after: deep.replace('[]', '[1]') }), [
      settings,
    ]);
  });

  test('of a Makefile only its checks', () => {
    const old = 'build:\n\tgo build\n\ntest: build\n\tgo test ./...\n\nclean:\n\trm -rf out\n';
    const of = (after: string) => found({ path: 'Makefile', before: old, after });
    assert.deepEqual(of(old.replace('go build', 'go build -v').replace('rm -rf', 'rm -r')), []);
    assert.deepEqual(of(old.replace('go test ./...', '-go test ./...')), [
      'Makefile: What a check of the Makefile does is changed.',
    ]);
    assert.deepEqual(of(old.replace('test: build', 'tests: build')), [
      'Makefile: What a check of the Makefile does is changed.',
    ]);
  });

  test('of tools', () => {
    for (const path of [
      'jest.config.js',
      'tsconfig.json',
      '.eslintrc.json',
      '.gitlab-ci.yml',
      'tox.ini',
      '.backspace.yml',
    ]) {
      assert.deepEqual(found({ path, before: 'a', after: 'b' }), [
        `${path}: Settings of a check are changed.`,
      ]);
      assert.deepEqual(found({ path, before: 'a' }), [`${path}: Settings of a check are deleted.`]);
    }
    for (const path of ['pytest.ini', '.pytest.ini', 'bunfig.toml', 'ci.runsettings']) {
      assert.deepEqual(found({ path, after: 'a' }), [`${path}: It is new and decides which tests run.`]);
    }
    for (const path of ['.cargo/config.toml', '.mvn/maven.config']) {
      assert.deepEqual(found({ path, before: 'a', after: 'b' }), [
        `${path}: Settings of a check are changed.`,
      ]);
    }
    assert.deepEqual(
      found({ path: 'tsconfig.json', after: '{}' }, { path: 'package.json', after: '{}' }),
      [],
    );
  });
});

describe('marks that tell a checker to look away', () => {
  for (const [path, line, tool] of [
    ['src/a.ts', '// @ts-ignore', 'the type checker'],
    ['src/a.ts', '/* eslint-disable no-console */', 'ESLint'],
    ['src/a.ts', '// biome-ignore lint/x: y', 'Biome'],
    ['src/a.js', '/* c8 ignore next */', 'the coverage'],
    ['shop/a.py', 'x = y  # type: ignore[attr]', 'the type checker'],
    ['shop/a.py', 'import os  # noqa: F401', 'the linter'],
    ['shop/a.py', 'if x:  # pragma: no cover', 'the coverage'],
    ['a.go', 'x() //nolint:errcheck', 'the linter'],
    ['src/a.rs', '#[allow(dead_code)]', 'the compiler or Clippy'],
    ['src/A.java', '@SuppressWarnings("all")', 'the compiler or a linter'],
    ['a.rb', 'x # rubocop:disable Style', 'RuboCop'],
  ] as const) {
    test(`are noticed: ${line}`, () => {
      const what = `${path}: One more place where ${tool} is told to look away.`;
      assert.deepEqual(found({ path, before: 'x\n', after: `x\n${line}\n` }), [what]);
      assert.deepEqual(found({ path, after: `${line}\n` }), [what]);
      assert.deepEqual(found({ path, before: line, after: line }), []);
      const moved = path.replace(/a\./i, 'b.');
      assert.deepEqual(found({ path, before: line, after: '' }, { path: moved, after: line }), []);
    });
  }

  test('are nothing in prose', () => {
    assert.deepEqual(found({ path: 'docs/a.md', after: 'Write `// @ts-ignore` or # noqa.' }), []);
  });
});

describe('what is too large to be read in time', () => {
  const large = js + ' '.repeat(200_000);
  const tooLarge = 'It was too large to be compared with what it was.';
  const deleted = 'The file is deleted, and was too large to be compared with others.';

  test('is told, and the rest is read', () => {
    assert.deepEqual(
      found(
        { path: 'a.test.js', before: large, after: '' },
        { path: 'b.test.js', before: js },
        { path: 'notes.md', after: large },
        { path: 'package-lock.json', before: large, after: '' },
      ),
      ['b.test.js: The file is deleted with its 2 test cases.', `a.test.js: ${tooLarge}`],
    );
  });

  test('is told of settings and of code that may have marks, too', () => {
    assert.deepEqual(
      found(
        { path: 'package.json', before: '{}', after: large },
        { path: 'c.js', after: `${large}@ts-ignore` },
      ),
      [`package.json: ${tooLarge}`, `c.js: ${tooLarge}`],
    );
  });

  test('is told when it is deleted, but for code that is none of a test', () => {
    assert.deepEqual(
      found(
        { path: 'a.test.js', before: large },
        { path: 'src/total.rs', before: large },
        { path: 'tox.ini', before: large },
        { path: 'src/app.js', before: large },
      ),
      [`a.test.js: ${deleted}`, `src/total.rs: ${deleted}`, `tox.ini: ${deleted}`],
    );
  });

  test('is told when its text is not even handed over', () => {
    assert.deepEqual(
      found(
        { path: 'a.test.js', before: '', isTooLarge: true },
        { path: 'b.test.js', before: js, after: '', isTooLarge: true },
        { path: 'c.test.js', after: '', isTooLarge: true },
        { path: 'tox.ini', before: '', after: '[tox]\n', isTooLarge: true },
        { path: 'src/app.js', before: '', isTooLarge: true },
        { path: 'notes.md', before: '', after: '', isTooLarge: true },
      ),
      [`a.test.js: ${deleted}`, `b.test.js: ${tooLarge}`, `c.test.js: ${tooLarge}`, `tox.ini: ${tooLarge}`],
    );
  });

  test('is what many files have together', () => {
    const many = Array.from({ length: 30 }, (_, n) => ({ path: `${n}.test.js`, after: ' '.repeat(100_000) }));
    assert.deepEqual(
      found(...many),
      many.slice(20).map(({ path }) => `${path}: ${tooLarge}`),
    );
  });

  test('is never a test for the sake of other code', () => {
    const code = Array.from({ length: 30 }, (_, n) => ({ path: `src/${n}.js`, after: ' '.repeat(100_000) }));
    const [first, second, ...others] = found(
      ...code,
      { path: 'tox.ini', before: '[tox]\n' },
      { path: 'a.test.js', before: js },
    );
    assert.deepEqual(
      [first, second],
      ['a.test.js: The file is deleted with its 2 test cases.', 'tox.ini: Settings of a check are deleted.'],
    );
    assert.deepEqual(
      others,
      code.slice(19).map(({ path }) => `${path}: ${tooLarge}`),
    );
  });
});
