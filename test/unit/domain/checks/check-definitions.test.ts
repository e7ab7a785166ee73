import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definesChecks, isTestFile } from '../../../../server/domain/checks/check-definitions.ts';

for (const path of [
  'tests/books.test.js',
  'src/app.test.ts',
  'src/app.spec.tsx',
  'src/__tests__/app.js',
  'src/__snapshots__/app.js.snap',
  'test/support/start-api.js',
  'tests/test_shop.py',
  'shop/tests.py',
  'conftest.py',
  'pkg/store_test.go',
  'pkg/testdata/golden.txt',
  'tests/integration.rs',
  'src/test/java/org/shop/StoreTest.java',
  'StoreIT.java',
  'spec/models/book_spec.rb',
  'Shop.Tests/StoreTests.cs',
  'test/install.bats',
  'scripts/test.sh',
  'scripts/run-tests.sh',
  'tests/Unit/StoreTest.php',
]) {
  test(`${path} is a test, and defines checks`, () => {
    assert.deepEqual([isTestFile(path), definesChecks(path)], [true, true]);
  });
}

for (const path of [
  'package.json',
  'web/package.json',
  'package-lock.json',
  'tsconfig.base.json',
  'jest.config.ts',
  'vitest.config.mts',
  '.mocharc.yml',
  'eslint.config.mjs',
  '.eslintrc',
  'biome.json',
  'pyproject.toml',
  'setup.cfg',
  'tox.ini',
  'pytest.ini',
  '.coveragerc',
  'requirements-dev.txt',
  'go.mod',
  'Cargo.toml',
  'Makefile',
  'makefile',
  'pom.xml',
  'app/build.gradle.kts',
  'gradlew',
  'Gemfile.lock',
  '.rspec',
  'composer.json',
  '.backspace.yml',
  '.github/workflows/ci.yml',
  '.gitlab-ci.yml',
  'scripts/verify',
  'bin/lint',
  'ci/check.py',
]) {
  test(`${path} is no test, and defines checks`, () => {
    assert.deepEqual([isTestFile(path), definesChecks(path)], [false, true]);
  });
}

for (const path of [
  'src/app.js',
  'src/contest.js',
  'src/latest.py',
  'src/testimonials.jsx',
  'src/features/books/list.tsx',
  'shop/attestation.go',
  'src/main/java/Latest.java',
  'src/Inspector.java',
  'README.md',
  'docs/testing.md',
  'Dockerfile',
  'src/lint-rules/index.js',
  'src/specification.rb',
]) {
  test(`${path} is neither`, () => {
    assert.deepEqual([isTestFile(path), definesChecks(path)], [false, false]);
  });
}
