import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { script, startJobBench } from '../support/job-bench.ts';
import { publicationOf } from '../support/publication.ts';

const bench = await startJobBench();
after(() => bench[Symbol.asyncDispose]());
const { forge } = bench;

test('the agent’s own use of git has no influence on what is published', async () => {
  const files = {
    'README.md': '# Shop\n',
    'src/app.js': 'export const price = 1;\n',
    'old.js': 'gone\n',
    'flagged.js': 'let flagged = 0;\n',
    'skipped.js': 'let skipped = 0;\n',
  };
  const change = `
    echo 'export const tax = 2;' >>src/app.js
    echo 'flagged = 1;' >>flagged.js; echo 'skipped = 1;' >>skipped.js
    rm old.js; echo new >new.js`;
  const ways = {
    plain: change,
    commits: `
      git checkout --quiet -b work && git commit --quiet --allow-empty -m Mine
      ${change}
      git add --all && git stash --quiet && git stash pop --quiet
      git add --all && git commit --quiet -m 'All of it' && git tag v1 && git reset --quiet --hard HEAD~0
      git branch -D main && git checkout --quiet --detach && git reset --soft HEAD~1 && git gc --quiet`,
    flags: `
      git update-index --assume-unchanged flagged.js && git update-index --skip-worktree skipped.js
      git rm --quiet --cached README.md
      echo '*' >.git/info/exclude && printf '* text eol=crlf\\n' >.git/info/attributes
      git config core.worktree /tmp && git config core.excludesFile /workspace/all && git config core.fileMode false
      git config --global core.excludesFile /home/backspace/all && echo '*' >/home/backspace/all
      printf '#!/bin/sh\\nrm -rf /workspace/src\\n' | tee .git/hooks/post-index-change .git/hooks/pre-commit >.git/hooks/fsmonitor
      chmod +x .git/hooks/* && git config core.fsmonitor .git/hooks/fsmonitor
      ${change}`,
    gone: `rm -rf .git; ${change}`,
    another: `${change}; rm -rf .git && git init --quiet && git add --all && git commit --quiet -m 'Another history'`,
    link: `${change}; mv .git /tmp/git && ln -s /tmp/git .git`,
  };
  const trees: Record<string, { tree: string; changes: object }> = {};
  for (const [way, command] of Object.entries(ways)) {
    const repository = await forge.createRepository(`acme/git-${way}`, { files });
    const outcome = await bench.run({ repository, turns: script(command) });
    const { commit, changes } = await publicationOf(forge, repository, outcome);
    trees[way] = { tree: await repository.git('rev-parse', `${commit}^{tree}`), changes };
  }
  assert.deepEqual(trees.plain?.changes, {
    'flagged.js': 'M 100644',
    'new.js': 'A 100644',
    'old.js': 'D 100644',
    'skipped.js': 'M 100644',
    'src/app.js': 'M 100644',
  });
  assert.deepEqual(trees, Object.fromEntries(Object.keys(ways).map((way) => [way, trees.plain])));
});
