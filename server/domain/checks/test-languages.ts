/**
 * How a language says what a test is; each pattern is global and finds one occurrence after the other. The texts are
 * anybody's, and a pattern holds the whole server up while it searches: no two neighbours in one may share a run of
 * characters (`\s*\(?\s*` tries every way to share it), and what stands behind a bounded window, in which it may begin
 * many times over, is bounded itself.
 */
export type TestLanguage = {
  files: RegExp;
  /** Test cases; the group `name`, where it takes part, tells one from another. */
  cases: RegExp;
  /** What keeps a test, or others, from being run or from counting. */
  skips: RegExp;
  assertions: RegExp;
  /** Assertions that hold whatever the code does. */
  empty: RegExp;
  comments: 'slashes' | 'hashes';
};

export const testLanguageOf = (path: string): TestLanguage | undefined =>
  languages.find(({ files }) => files.test(path));

const text = String.raw`(?<quote>["'\x60])(?<name>(?:\\.|(?!\k<quote>)[^\\\n]){0,300})\k<quote>`;

const javaScript: TestLanguage = {
  files: /\.(?:[cm]?[jt]sx?|vue|svelte)$/,
  cases: new RegExp(
    String.raw`(?<![\w$.])(?:t\.)?(?:it|test|specify|fit|xit|xtest)(?!\.(?:describe|before|after|use|extend|step|set|mock|suite))(?:\.\w+)*\s*\(\s*(?:${text})?`,
    'g',
  ),
  skips: new RegExp(
    [
      String.raw`(?<![\w$])(?:it|test|describe|suite|context|specify|t|ctx)\.(?:skip|todo|only|fixme|failing|fails|skipIf|runIf)\s*[(.\x60]`,
      String.raw`(?<![\w$])(?:it|test|describe|suite)\.(?:each|concurrent|serial|describe)\.(?:skip|only|fixme)\s*[(.\x60]`,
      String.raw`(?<![\w$.])(?:xit|xtest|xdescribe|xcontext|fit|fdescribe)\s*[(.]`,
      String.raw`(?<![\w$.])(?:t\.)?(?:it|test|describe|suite)\s*\(\s*(?:["'\x60][^\n]{0,300}?["'\x60]\s{0,100},\s{0,100})?\{[^{}]{0,200}\b(?:skip|todo|only)\s{0,100}:(?!\s{0,100}false\b)`,
      String.raw`\bthis\.skip\s*\(`,
    ].join('|'),
    'g',
  ),
  assertions:
    /(?<![\w$.])(?:assert(?:\.\w+)*|expect(?:Type(?:Of)?)?(?:\.soft|\.poll)?)\s*[(<]|\.should\b|(?<![\w$.])(?:t|cy)\.(?:is|not|deepEqual|notDeepEqual|truthy|falsy|throws|throwsAsync|equal|equals|ok|same|like|true|false|regex|snapshot|contains|assert(?:\.\w+)?)\s*\(/g,
  empty:
    /(?<![\w$.])(?:assert(?:\.ok|\.isTrue)?\s*\(\s*(?:true|1|!0|!false)\s*[,)]|assert\.\w*[eE]qual\s*\(\s*(?<value>true|false|null|\d+|["'][^"'\n]{0,300}["'])\s*,\s*\k<value>\s*[,)]|expect\s*\(\s*(?<given>true|false|null|\d+|["'][^"'\n]{0,300}["'])\s*\)\s*\.\s*(?:to(?:Be|Equal|StrictEqual|Eq)|to\.(?:equal|eql|be))\s*\(\s*\k<given>\s*\)|expect\s*\(\s*(?:true|1)\s*\)\s*\.\s*(?:toBeTruthy|toBeDefined|to\.be\.(?:true|ok))|t\.(?:pass|true)\s*\((?:\s*true\s*)?\))/g,
  comments: 'slashes',
};

const python: TestLanguage = {
  files: /\.pyi?$/,
  cases: /^[ \t]*(?:async[ \t]+)?def[ \t]+(?<name>test\w*)/gm,
  skips:
    /@(?:pytest\.mark\.)(?:skip|skipif|xfail)\b|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bpytest\.(?:skip|xfail)\s*\(|\.skipTest\s*\(|\braise\s+(?:unittest\.)?SkipTest\b|^pytestmark\s*=.*\b(?:skip|skipif|xfail)\b|^collect_ignore(?:_glob)?\b|\bdef\s+pytest_collection_modifyitems\b|\b__test__\s*=\s*False\b/gm,
  assertions:
    /^[ \t]*assert\b|\b(?:self|cls)\.(?:assert\w+|fail)\s*\(|\bpytest\.(?:raises|warns|fail)\b|\.assert_\w+\s*\(/gm,
  empty:
    /^[ \t]*assert\s+(?:\(?True\)?|1|not\s+False|(?<value>True|\d+)\s*==\s*\k<value>)[ \t]*(?:$|,|#)|\bself\.assertTrue\s*\(\s*True\s*[,)]|\bself\.assertEqual\s*\(\s*(?<given>True|\d+)\s*,\s*\k<given>\s*[,)]/gm,
  comments: 'hashes',
};

const go: TestLanguage = {
  files: /\.go$/,
  cases: /^func\s+(?<name>(?:Test|Fuzz|Example)\w*)\s*\(|\bt\.Run\s*\(\s*"(?<sub>(?:\\.|[^"\\\n]){0,300})"/gm,
  skips: /\b[tbf]\.(?:Skip|Skipf|SkipNow)\s*\(/g,
  assertions:
    /\b[tbf]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\s*\(|\b(?:assert|require|is|qt|g)\.[A-Z]\w*\s*\(/g,
  empty:
    /\b(?:assert|require)\.(?:True|Equal|NotNil)\s*\(\s*t\s*,\s*(?:true\s*[,)]|(?<value>\d+|true|"[^"\n]{0,300}")\s*,\s*\k<value>\s*[,)])/g,
  comments: 'slashes',
};

const rust: TestLanguage = {
  files: /\.rs$/,
  cases:
    /#\[(?:\w+::)*(?:test|rstest|test_case|proptest)\b[^\]\n]{0,300}\](?:\s{0,100}#\[[^\]\n]{0,300}\]){0,10}\s{0,100}(?:pub(?:\([^)\n]{0,300}\))?\s{1,100})?(?:async\s{1,100})?fn\s{1,100}(?<name>\w+)/g,
  skips: /#\[(?:ignore\b|cfg_attr\([^\]\n]{0,300}\bignore\b)|#\[cfg\(any\(\)\)\]/g,
  assertions:
    /\b(?:assert|assert_\w+|prop_assert\w*)!\s*[([{]|#\[should_panic\b|\.expect_err\s*\(|\.unwrap_err\s*\(/g,
  empty:
    /\bassert!\s*\(\s*(?:true|!false)\s*[,)]|\bassert_eq!\s*\(\s*(?<value>true|\d+|\(\))\s*,\s*\k<value>\s*[,)]/g,
  comments: 'slashes',
};

const jvm: TestLanguage = {
  files: /\.(?:java|kts?|groovy|scala)$/,
  cases:
    /@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b(?:\([^)\n]{0,300}\))?(?:\s{1,100}@\w{1,100}(?:\((?:[^()\n]|\([^()\n]{0,300}\)){0,300}\))?){0,10}\s{1,100}(?:(?:public|private|protected|internal|final|static|suspend|override)\s{1,100}){0,10}(?:void|fun|def)\s{1,100}(?<name>`[^`\n]{1,300}`|\w+)/g,
  skips:
    /@(?:Disabled\w*|Ignore\w*|EnabledIf\w*|EnabledOn\w*)\b|\benabled\s*=\s*false\b|\bassume(?:True|False|That)\s*\(/g,
  assertions:
    /\b(?:assert\w*|verify\w*|fail|expectThat|expectThrows)\s*[({]|\.should\w*\b|\bshould(?:Be|Not|Throw|Equal|Have|Contain)\w*\b/g,
  empty:
    /\bassertTrue\s*\(\s*true\s*[,)]|\bassertFalse\s*\(\s*false\s*[,)]|\bassertEquals\s*\(\s*(?<value>\w+|"[^"\n]{0,300}")\s*,\s*\k<value>\s*\)|\bassertThat\s*\(\s*true\s*\)\s*\.isTrue/g,
  comments: 'slashes',
};

const dotnet: TestLanguage = {
  files: /\.(?:cs|fs|vb)$/,
  cases:
    /\[(?:Fact|Theory|Test|TestMethod|TestCase)\b[^\]\n]{0,300}\](?:\s{0,100}\[[^\]\n]{0,300}\]){0,10}\s{0,100}public\s{1,100}(?:async\s{1,100})?[\w<>]{1,300}\s{1,100}(?<name>\w+)/g,
  skips: /\[(?:Ignore|Explicit)\b|\bSkip\s*=\s*"|\bAssert\.(?:Ignore|Inconclusive)\s*\(/g,
  assertions: /\bAssert\.\w+(?:<[^>\n]{0,300}>)?\s{0,100}\(|\.Should\(\)|\.Should(?:Be|Not|Throw)\w*\s*\(/g,
  empty:
    /\bAssert\.(?:True|IsTrue|That)\s*\(\s*true\s*[,)]|\bAssert\.(?:Equal|AreEqual)\s*\(\s*(?<value>\w+)\s*,\s*\k<value>\s*\)|\bAssert\.Pass\s*\(/g,
  comments: 'slashes',
};

const ruby: TestLanguage = {
  files: /\.rb$/,
  cases: new RegExp(
    String.raw`(?<![\w.:@])(?:it|specify|scenario|example|test|xit|fit)\s*(?:\(\s*)?${text}|^[ \t]*def\s+(?<sub>test_\w+)`,
    'gm',
  ),
  skips:
    /(?<![\w.:@])(?:xit|xdescribe|xcontext|xspecify|xscenario|fit|fdescribe|fcontext)\b|^[ \t]*(?:skip|pending)\b|,\s*(?::skip|:pending|skip:|pending:|:focus)/gm,
  assertions:
    /(?<![\w.:@])(?:assert|refute|flunk)\w*\b|(?<![\w.:@])expect\s*[({]|\.should(?:_not)?\b|\.(?:must|wont)_\w+/g,
  empty:
    /(?<![\w.:@])assert\s*(?:\(\s*)?true\b|\bassert_equal\s*(?:\(\s*)?(?<value>true|\d+)\s*,\s*\k<value>\b|\bexpect\s*\(\s*(?<given>true|\d+)\s*\)\s*\.to\s+(?:be|eq|eql)\s*(?:\(\s*)?\k<given>\b/g,
  comments: 'hashes',
};

const php: TestLanguage = {
  files: /\.php$/,
  cases: new RegExp(
    String.raw`\bfunction\s+(?<sub>test\w*)\s*\(|(?<![\w$>:])(?:it|test)\s*\(\s*${text}`,
    'gi',
  ),
  skips: /\bmarkTest(?:Skipped|Incomplete)\b|->(?:skip|todo|only)\s*\(|@group\s+skip/g,
  assertions: /(?:\$this->|self::|static::)(?:assert|expect)\w+\s*\(|(?<![\w$>:])expect\s*\(/g,
  empty:
    /assertTrue\s*\(\s*true\s*[,)]|assert(?:Same|Equals)\s*\(\s*(?<value>true|\d+)\s*,\s*\k<value>\s*[,)]|expect\s*\(\s*true\s*\)->to(?:Be\s*\(\s*true|BeTrue)/gi,
  comments: 'slashes',
};

const shell: TestLanguage = {
  files: /\.(?:bats|sh|bash)$/,
  cases: /^[ \t]*@test\s+(?<name>["'].{0,300}["'])\s*\{|^[ \t]*(?:function\s+)?(?<sub>test_\w+)\s*\(\)/gm,
  skips: /^[ \t]*skip(?:[ \t]|$)/gm,
  assertions: /^[ \t]*(?:\[\[?[ \t]|assert\w*\b|refute\w*\b|test[ \t])/gm,
  empty:
    /^[ \t]*(?:\[\[?[ \t]+(?:1|true|(?<value>\d+)[ \t]+(?:-eq|=|==)[ \t]+\k<value>)[ \t]+\]\]?|assert[ \t]+true|test[ \t]+1)[ \t]*$/gm,
  comments: 'hashes',
};

const cFamily: TestLanguage = {
  files: /\.(?:c|cc|cpp|cxx|h|hpp)$/,
  cases:
    /\b(?:TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(?<name>\w+\s*,\s*\w+)\s*\)|\b(?:TEST_CASE|SCENARIO)\s*\(\s*"(?<sub>(?:\\.|[^"\\\n]){0,300})"/g,
  skips: /\bDISABLED_\w+|\bGTEST_SKIP\b|\[!?(?:hide|shouldfail|mayfail|\.)\]/g,
  assertions: /\b(?:ASSERT|EXPECT)_\w+\s*\(|\b(?:REQUIRE|CHECK)(?:_\w+)?\s*\(|\bassert\s*\(/g,
  empty:
    /\b(?:ASSERT_TRUE|EXPECT_TRUE|REQUIRE|CHECK|assert)\s*\(\s*(?:true|1)\s*\)|\b(?:ASSERT|EXPECT)_EQ\s*\(\s*(?<value>\w+)\s*,\s*\k<value>\s*\)/g,
  comments: 'slashes',
};

const swift: TestLanguage = {
  files: /\.swift$/,
  cases: /\bfunc\s+(?<name>test\w*)\s*\(|@Test\b(?:\([^)\n]{0,300}\))?\s{0,100}(?:func\s{1,100}(?<sub>\w+))/g,
  skips: /\bXCTSkip\w*|@Test\s*\([^)\n]{0,300}\.disabled\b/g,
  assertions: /\bXCT(?:Assert\w*|Fail|Unwrap)\s*\(|#(?:expect|require)\s*\(/g,
  empty: /\bXCTAssert(?:True)?\s*\(\s*true\s*[,)]|#expect\s*\(\s*true\s*\)/g,
  comments: 'slashes',
};

const elixir: TestLanguage = {
  files: /\.exs?$/,
  cases: new RegExp(String.raw`^[ \t]*test\s+${text}`, 'gm'),
  skips: /@(?:module)?tag\s+:?skip\b|@tag\s+:pending/g,
  assertions: /^[ \t]*(?:assert|refute|assert_\w+|refute_\w+)\b/gm,
  empty: /^[ \t]*assert\s+true\b/gm,
  comments: 'hashes',
};

const languages = [
  javaScript,
  python,
  go,
  rust,
  jvm,
  dotnet,
  ruby,
  php,
  shell,
  cFamily,
  swift,
  elixir,
] as const;
