import { baseName } from '../paths.ts';

/**
 * Files that decide what a check does: tests and what they stand on, manifests, settings of the tools, CI. By their paths
 * alone; rather too many than too few, since a change of one only means that the check runs once more.
 */
export const definesChecks = (path: string): boolean =>
  isTestFile(path) ||
  isCheckSetting(path) ||
  dependencies.test(baseName(path)) ||
  tooling.test(path) ||
  scripts.test(path);

/** By the names that the tools of each language look for; what stands below a directory of tests belongs to them. */
export const isTestFile = (path: string): boolean =>
  testDirectories.test(path) || testNames.some((name) => name.test(baseName(path)));

/** Settings of what runs tests, lints, checks types or measures coverage. */
export const isCheckSetting = (path: string): boolean =>
  settings.test(baseName(path)) || ownSettings.test(path) || ci.test(path);

/** What decides which tests run at all: even a new one may switch tests off. */
export const isTestRunnerSetting = (path: string): boolean => runners.test(baseName(path));

const testDirectories =
  /(?:^|\/)(?:tests?|__tests__|__snapshots__|__mocks__|specs?|e2e|testdata|test[-_]?fixtures|(?:unit|integration|functional|acceptance|e2e)[-_]tests?|androidTest|cypress)\//i;

const testNames = [
  /[._-](?:test|spec|tests|e2e|cy)\.[a-z]+$/i,
  /^test[s_-].*\.(?:py|rb|php|sh|c|cc|cpp|rs|lua|pl|[cm]?[jt]sx?)$/i,
  /^(?:conftest|tests?)\.(?:py|rs|go|sh|[cm]?[jt]sx?)$/i,
  /_test\.(?:go|py|rb|exs?|rs|c|cc|cpp|dart|php)$/,
  /^(?:Test[A-Z]\w*|\w+(?:Tests?|TestCase|IT|Specs?|Steps))\.(?:java|kt|kts|groovy|scala|cs|fs|vb|swift|php)$/,
  /\.(?:bats|snap|feature)$/,
];

const runners =
  /^(?:(?:jest|vitest|vite|playwright|cypress|karma|ava|web-test-runner|wdio)\.(?:config|conf|workspace|setup)\.[\w.]+|\.mocharc.*|\.?pytest\.(?:ini|toml)|\.rspec|phpunit\.xml(?:\.dist)?|nextest\.toml|tox\.ini|noxfile\.py|karma\.conf\.\w+|bunfig\.toml|.*\.runsettings|(?:.*\.)?xunit\.runner\.json|testng.*\.xml|junit-platform\.properties|.*\.xctestplan)$/i;

const settings = new RegExp(
  [
    runners.source,
    String.raw`^(?:package\.json|pyproject\.toml|setup\.cfg|deno\.jsonc?|[tj]sconfig.*\.json)$`,
    String.raw`^(?:(?:eslint|stylelint|prettier)\.config\.\w+|tslint\.json|\.eslintrc.*|\.eslintignore|biome\.jsonc?|\.stylelintrc.*|\.prettierrc.*|knip\.\w+|\.oxlintrc\.json)$`,
    String.raw`^(?:\.nycrc.*|\.c8rc.*|\.taprc|\.coveragerc|codecov\.ya?ml|\.codecov\.ya?ml|\.simplecov)$`,
    String.raw`^(?:mypy\.ini|\.mypy\.ini|\.?ruff\.toml|\.flake8|\.?pylintrc|pyrightconfig\.json)$`,
    String.raw`^(?:\.golangci\.ya?ml|\.?clippy\.toml|\.?rustfmt\.toml|\.rubocop(?:_todo)?\.ya?ml|phpstan\.neon.*|psalm\.xml|checkstyle\.xml|detekt\.ya?ml)$`,
    String.raw`^(?:GNU)?Makefile$|\.mk$|^justfile$|^Taskfile\.ya?ml$|^Rakefile$|^CMakeLists\.txt$|^\.backspace\.ya?ml$|^\.pre-commit-config\.yaml$`,
  ].join('|'),
  'i',
);

/** Of tools that keep theirs in a directory of their own; Cargo and Maven let them stand in for the command line. */
const ownSettings = /(?:^|\/)(?:\.cargo\/config(?:\.toml)?|\.mvn\/[^/]+)$/;

const ci =
  /^(?:\.github\/(?:workflows|actions)\/|\.circleci\/|\.buildkite\/|\.ci\/|ci\/|\.gitlab-ci\.yml$|\.travis\.yml$|\.drone\.yml$|azure-pipelines\.ya?ml$|bitbucket-pipelines\.yml$|Jenkinsfile$|appveyor\.yml$|\.appveyor\.yml$)/i;

const dependencies =
  /^(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|pnpm-workspace\.yaml|bun\.lockb?|\.npmrc|\.pnpmfile\.c?js|\.yarnrc.*|\.babelrc.*|babel\.config\.\w+|\.swcrc|turbo\.json|nx\.json|lerna\.json|setup\.py|requirements.*\.txt|Pipfile(?:\.lock)?|poetry\.lock|uv\.lock|pdm\.lock|\.python-version|\.nvmrc|\.node-version|\.tool-versions|go\.(?:mod|sum|work)|Cargo\.(?:toml|lock)|build\.rs|rust-toolchain.*|pom\.xml|.*\.gradle(?:\.kts)?|gradle\.properties|gradlew?|gradlew\.bat|mvnw|mvnw\.cmd|gradle-wrapper\.\w+|libs\.versions\.toml|build\.sbt|Gemfile(?:\.lock)?|.*\.gemspec|composer\.(?:json|lock)|mix\.(?:exs|lock)|.*\.(?:csproj|fsproj|sln|props|targets)|global\.json|nuget\.config|dotnet-tools\.json|Package\.(?:swift|resolved)|(?:BUILD|WORKSPACE|MODULE)\.bazel|\.bazelrc|meson\.build|CMake(?:User)?Presets\.json|.*\.cmake|\.?mise\.toml|magefile\.go|(?:dodo|tasks)\.py|node\.config\.json|(?:site|user)customize\.py|(?:pytest|unittest)\.py|\.env(?:\.(?:test|testing|ci|local|development)(?:\.local)?)?)$/i;

/** Package managers and build tools that are committed themselves, and code that is compiled into them. */
const tooling = /(?:^|\/)(?:\.mvn|\.yarn\/(?:releases|plugins|patches|sdks)|buildSrc|build-logic)\//;

/** Scripts that are there to be called by the above. */
const scripts =
  /(?:^|\/)(?:run|do|ci|pre|post)?[-_.]?(?:all[-_])?(?:tests?|check|checks|lint|ci|verify|typecheck|coverage)(?:\.(?:sh|bash|py|rb|ps1|[cm]?[jt]s))?$/i;
