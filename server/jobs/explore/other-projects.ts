import { type Found, inPlace, type Need, needsInstalled, needsProgram, type Place } from './check-finder.ts';

/** The checks of projects whose tools have one command for all tests. */
export const checksOfOthers = (place: Place): Found => {
  const checks = [goCheck(place), cargoCheck(place), mavenCheck(place), gradleCheck(place)].flatMap(
    (check) => (check ? [{ command: inPlace(place, check.command), needs: check.needs }] : []),
  );
  return { checks, notes: [] };
};

/** `test`, else `check`. Asked last: what a Makefile calls is mostly known from another manifest. */
export const checksOfMake = (place: Place): Found => {
  // In make’s own order.
  const text =
    ['GNUmakefile', 'makefile', 'Makefile'].map(place.text).find((found) => found !== undefined) ?? '';
  const target = ['test', 'check'].find((name) => new RegExp(`^${name}[ \\t]*::?(?!=)`, 'm').test(text));
  if (target === undefined) return { checks: [], notes: [] };
  return {
    checks: [{ command: inPlace(place, `make ${target}`), needs: [needsProgram('make')] }],
    notes: [],
  };
};

type Check = { command: string; needs: Need[] };

const goCheck = (place: Place): Check | undefined => {
  const isWorkspace = place.has('go.work');
  if (!isWorkspace && !place.has('go.mod')) return undefined;
  return { command: 'go test ./...', needs: goNeeds(place) };
};

export const goNeeds = (place: Place): Need[] => {
  const modules = [place.text('go.mod') ?? '', ...(place.has('go.work') ? place.below('go.mod') : [])];
  if (!modules.some((text) => /^[ \t]*require\b/m.test(text))) return [needsProgram('go')];
  const probe = 'test -d vendor || test -d "$(go env GOMODCACHE)/cache/download"';
  return [
    needsProgram('go'),
    needsInstalled(place, probe, 'The modules that go.mod requires are', 'go mod download'),
  ];
};

const cargoCheck = (place: Place): Check | undefined =>
  place.has('Cargo.toml') ? { command: 'cargo test --offline', needs: cargoNeeds(place) } : undefined;

export const cargoNeeds = (place: Place): Need[] => {
  const manifests = [place.text('Cargo.toml') ?? '', ...place.below('Cargo.toml')];
  if (!manifests.some(dependsOnCrates)) return [needsProgram('cargo')];
  const probe = 'test -d vendor || test -d "$HOME/.cargo/registry" || test -d "$CARGO_HOME/registry"';
  return [
    needsProgram('cargo'),
    needsInstalled(place, probe, 'The crates that Cargo.toml names are', 'cargo fetch'),
  ];
};

/** Whether a section of dependencies has an entry that is no path within the repository. */
const dependsOnCrates = (manifest: string): boolean => {
  let inDependencies = false;
  for (const line of manifest.split('\n')) {
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (section !== undefined) {
      inDependencies = /(^|[.-])dependencies$/.test(section);
      // A dependency with a section of its own.
      if (/(^|[.-])dependencies\.[^.]+$/.test(section)) return true;
    } else if (
      inDependencies &&
      /^\s*[\w"'-]+(\.\w+)?\s*=/.test(line) &&
      !/\bpath\s*=|workspace\s*=/.test(line)
    ) {
      return true;
    }
  }
  return false;
};

const mavenCheck = (place: Place): Check | undefined =>
  place.has('pom.xml') ? { command: 'mvn -o -q test', needs: mavenNeeds(place) } : undefined;

/** Maven’s own plugins are downloaded like dependencies, so that even a project without any needs them. */
export const mavenNeeds = (place: Place): Need[] => [
  needsProgram('mvn'),
  needsInstalled(
    place,
    'test -d "$HOME/.m2/repository"',
    'Maven’s plugins and the project’s dependencies are',
    'mvn -q dependency:go-offline',
  ),
];

const gradleCheck = (place: Place): Check | undefined => {
  const names = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts'];
  if (!names.some(place.has)) return undefined;
  return { command: `${gradle(place)} --offline test`, needs: gradleNeeds(place) };
};

const gradle = (place: Place): string => (place.has('gradlew') ? 'sh ./gradlew' : 'gradle');

export const gradleNeeds = (place: Place): Need[] => [
  needsProgram('java'),
  ...(place.has('gradlew') ? [] : [needsProgram('gradle')]),
  needsInstalled(
    place,
    'test -d "$HOME/.gradle" || test -d "$GRADLE_USER_HOME"',
    'Gradle and the project’s dependencies are',
    `${gradle(place)} testClasses`,
  ),
];
