import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Octokit } from '@octokit/rest';
import { type Forge, startForge } from '../../support/forge/forge.ts';

const target = { owner: 'acme', repo: 'shop' };
const files = { 'README.md': 'Shop\n', 'src/app.ts': 'export const price = 1;\n' };
const zeros = '0'.repeat(40);

test('native git clones a public repository without a token, with modes and symlinks', async (t) => {
  await using forge = await startForge();
  await forge.createRepository('acme/shop', {
    files: {
      'a "quoted"\\name.txt': 'text\n',
      'run.sh': { content: '#!/bin/sh\n', executable: true },
      link: { symlink: 'run.sh' },
    },
  });
  const folder = await temporaryFolder(t);
  await git(folder, 'clone', '--quiet', `${forge.url}/acme/shop.git`, 'copy');
  assert.deepEqual((await readdir(join(folder, 'copy'))).sort(), [
    '.git',
    'a "quoted"\\name.txt',
    'link',
    'run.sh',
  ]);
  assert.equal((await stat(join(folder, 'copy/run.sh'))).mode & 0o111, 0o111);
  assert.equal(await readlink(join(folder, 'copy/link')), 'run.sh');
  assert.deepEqual(forge.requests[0], {
    method: 'GET',
    path: '/acme/shop.git/info/refs',
    query: 'service=git-upload-pack',
    authorization: { kind: 'none', caller: 'anonymous' },
    status: 200,
  });
});

test('a folder becomes a repository without its .git', async (t) => {
  await using forge = await startForge();
  const folder = await temporaryFolder(t);
  await git(folder, 'init', '--quiet');
  await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  const repository = await forge.createRepository('acme/shop', { directory: folder });
  assert.match(await repository.git('ls-tree', '-r', 'HEAD'), /^100755 blob [0-9a-f]{40}\trun\.sh$/);
});

test('a fetch by exact commit id takes depth 1 and a filter, also when no branch points there', async (t) => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const first = await repository.commit({ 'README.md': 'Shop 2\n', 'src/app.ts': null }, 'Lost', 'lost');
  await repository.git('update-ref', '-d', 'refs/heads/lost');
  const folder = await temporaryFolder(t);
  await git(folder, 'init', '--quiet');
  const url = `${forge.url}/acme/shop`;
  await git(
    folder,
    '-c',
    'protocol.version=2',
    'fetch',
    '--quiet',
    '--depth=1',
    '--filter=blob:none',
    url,
    first,
  );
  assert.equal(await git(folder, 'rev-parse', 'FETCH_HEAD'), first);
  assert.equal(await git(folder, 'rev-list', '--count', 'FETCH_HEAD'), '1');
});

test('a private repository is seen with a token only', async (t) => {
  await using forge = await startForge();
  await forge.createRepository('acme/shop', { files }, { private: true });
  const folder = await temporaryFolder(t);
  await assert.rejects(git(folder, 'ls-remote', `${forge.url}/acme/shop.git`), /could not read Username/);
  await assert.rejects(git(folder, 'ls-remote', withToken(forge, 'wrong')), /Authentication failed/);
  await assert.rejects(git(folder, 'ls-remote', withToken(forge, forge.token, 'acme/other')), /not found/);
  assert.match(await git(folder, 'ls-remote', withToken(forge, forge.readOnlyToken)), /refs\/heads\/main/);
  await assert.rejects(octokit(forge, null).repos.get(target), { status: 404 });
  await assert.rejects(octokit(forge, 'wrong').repos.get(target), { status: 401 });
  const { data } = await octokit(forge).repos.get(target);
  assert.deepEqual(
    [data.full_name, data.private, data.default_branch, data.permissions?.push],
    ['acme/shop', true, 'main', true],
  );
  assert.deepEqual(forge.violations, []);
});

test('only the token that may write pushes, and never over other commits', async (t) => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const folder = await temporaryFolder(t);
  await git(folder, 'clone', '--quiet', `${forge.url}/acme/shop.git`, '.');
  await writeFile(join(folder, 'README.md'), 'Mine\n');
  await git(folder, 'commit', '--quiet', '-am', 'Mine');
  const push = (url: string) => git(folder, 'push', '--quiet', url, 'HEAD:refs/heads/main');

  await assert.rejects(push(`${forge.url}/acme/shop.git`), /could not read Username/);
  await assert.rejects(push(withToken(forge, forge.readOnlyToken)), /403/);
  const theirs = await repository.commit({ 'README.md': 'Theirs\n' });
  await assert.rejects(push(withToken(forge, forge.token)), /rejected/);
  await assert.rejects(
    git(folder, 'push', '--quiet', '--force', withToken(forge, forge.token), 'HEAD:refs/heads/main'),
    /non-fast-forward/,
  );
  assert.equal(await repository.git('rev-parse', 'main'), theirs);

  await git(folder, 'push', '--quiet', withToken(forge, forge.token), 'HEAD:refs/heads/topic/one');
  assert.equal(await repository.git('rev-parse', 'topic/one'), await git(folder, 'rev-parse', 'HEAD'));
  assert.ok(!JSON.stringify(forge.requests).includes(forge.token));
});

test('a request body in gzip reaches git', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const answer = await fetch(`${forge.url}/acme/shop.git/git-upload-pack`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-git-upload-pack-request', 'content-encoding': 'gzip' },
    body: gzipSync(wantAll(await repository.git('rev-parse', 'main'))),
  });
  assert.equal(answer.headers.get('content-type'), 'application/x-git-upload-pack-result');
  assert.match(await answer.text(), /^0008NAK\nPACK/);
});

test('refs are made, moved and deleted through the API and are real', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const api = octokit(forge).git;
  const base = await repository.git('rev-parse', 'main');
  const next = await repository.commit({ 'README.md': 'Next\n' });

  const { status, data } = await api.createRef({ ...target, ref: 'refs/heads/backspace/one', sha: base });
  assert.deepEqual(
    [status, data.ref, data.object.type, data.object.sha],
    [201, 'refs/heads/backspace/one', 'commit', base],
  );
  assert.equal(await repository.git('rev-parse', 'backspace/one'), base);

  const ref = 'heads/backspace/one';
  const refused: [request: () => Promise<unknown>, message: RegExp][] = [
    [
      () => api.createRef({ ...target, ref: 'refs/heads/backspace/one', sha: next }),
      /Reference already exists/,
    ],
    [() => api.createRef({ ...target, ref: 'refs/heads/backspace', sha: base }), /Reference update failed/],
    [() => api.createRef({ ...target, ref: 'refs/heads/two', sha: '1'.repeat(40) }), /Object does not exist/],
    [() => api.createRef({ ...target, ref: 'refs/heads/two', sha: 'main' }), /exactly 40 characters/],
    [() => api.createRef({ ...target, ref: 'heads/two', sha: base }), /three slash-separated components/],
    [() => api.createRef({ ...target, ref: 'refs/heads/a..b', sha: base }), /not a valid ref name/],
    [() => api.updateRef({ ...target, ref: 'heads/none', sha: base }), /Reference does not exist/],
    [() => api.deleteRef({ ...target, ref: 'heads/none' }), /Reference does not exist/],
  ];
  for (const [request, message] of refused) await assert.rejects(request(), { status: 422, message });

  await api.updateRef({ ...target, ref, sha: next });
  await assert.rejects(api.updateRef({ ...target, ref, sha: base }), { message: /not a fast forward/ });
  await api.updateRef({ ...target, ref, sha: base, force: true });
  assert.equal((await api.getRef({ ...target, ref })).data.object.sha, base);
  await api.deleteRef({ ...target, ref });
  await assert.rejects(api.getRef({ ...target, ref }), { status: 404 });
  assert.deepEqual(forge.violations, []);
});

test('of two creations of one ref at the same time one wins', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const ref = { ...target, ref: 'refs/heads/one', sha: await repository.git('rev-parse', 'main') };
  const api = octokit(forge).git;
  const ends = await Promise.allSettled([api.createRef(ref), api.createRef(ref), api.createRef(ref)]);
  assert.deepEqual(ends.map((end) => end.status).sort(), ['fulfilled', 'rejected', 'rejected']);
});

test('branches and commits are found by their names, slashes included', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files }, { defaultBranch: 'trunk' });
  const sha = await repository.commit({ 'README.md': 'Topic\n' }, 'Topic', 'topic/ä-b%2f');
  const api = octokit(forge).repos;
  const { data: branch } = await api.getBranch({ ...target, branch: 'topic/ä-b%2f' });
  assert.deepEqual([branch.name, branch.commit.sha], ['topic/ä-b%2f', sha]);
  for (const ref of ['topic/ä-b%2f', 'heads/topic/ä-b%2f', sha, sha.slice(0, 10)]) {
    const { data } = await api.getCommit({ ...target, ref });
    assert.deepEqual([data.sha, data.commit.message], [sha, 'Topic']);
    assert.deepEqual(
      data.parents.map((parent) => parent.sha),
      [await repository.git('rev-parse', 'trunk')],
    );
  }
  await assert.rejects(api.getBranch({ ...target, branch: 'main' }), { status: 404 });
  for (const ref of ['main', 'trunk~1', 'trunk:README.md', zeros]) {
    await assert.rejects(api.getCommit({ ...target, ref }), { status: 422, message: /No commit found/ });
  }
  assert.deepEqual(forge.violations, []);
});

test('an empty repository says so', async () => {
  await using forge = await startForge();
  await forge.createRepository('acme/shop', { empty: true });
  const { git: refs, repos } = octokit(forge);
  assert.equal((await repos.get(target)).status, 200);
  await assert.rejects(refs.getRef({ ...target, ref: 'heads/main' }), { status: 409 });
  await assert.rejects(repos.getCommit({ ...target, ref: 'main' }), { status: 409 });
  await assert.rejects(repos.getBranch({ ...target, branch: 'main' }), { status: 404 });
  await assert.rejects(refs.createRef({ ...target, ref: 'refs/heads/main', sha: zeros }), { status: 409 });
});

test('a pull request lives: created, found, changed, closed, reopened', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const head = await repository.commit({ 'src/app.ts': 'export const price = 2;\n' }, 'Raise', 'topic');
  const { pulls } = octokit(forge);
  const wanted = { ...target, title: 'Raise the price', body: 'Why not', head: 'topic', base: 'main' };

  const { status, data } = await pulls.create({ ...wanted, draft: true });
  assert.deepEqual(
    [status, data.number, data.html_url, data.draft, data.head.sha, data.commits, data.changed_files],
    [201, 1, `${forge.url}/acme/shop/pull/1`, true, head, 1, 1],
  );
  const page = await (await fetch(data.html_url)).text();
  assert.match(page, /^Raise the price #1 \[draft, open\]\nmain ← topic\n\nWhy not\n/);
  assert.match(page, /^\+export const price = 2;$/m);

  const numbers = async (filter: object) =>
    (await pulls.list({ ...target, ...filter })).data.map(({ number }) => number);
  assert.deepEqual(await numbers({ head: 'acme:topic', base: 'main' }), [1]);
  assert.deepEqual(await numbers({ head: 'acme:other' }), []);
  assert.deepEqual(await numbers({ head: 'other:topic' }), []);
  assert.deepEqual(await numbers({ head: 'other' }), [1]);

  await assert.rejects(pulls.create(wanted), (error: unknown) => {
    const message = 'A pull request already exists for acme:topic.';
    assert.deepEqual(validationErrors(error), [{ resource: 'PullRequest', code: 'custom', message }]);
    return true;
  });
  await pulls.update({ ...target, pull_number: 1, title: 'Raise it', state: 'closed' });
  assert.deepEqual(await numbers({ head: 'acme:topic' }), []);
  assert.deepEqual(await numbers({ head: 'acme:topic', state: 'all' }), [1]);
  // A closed one is no obstacle, and cannot come back beside its successor.
  assert.equal((await pulls.create({ ...wanted, head: 'acme:topic' })).data.number, 2);
  await assert.rejects(pulls.update({ ...target, pull_number: 1, state: 'open' }), { status: 422 });
  assert.deepEqual(await numbers({ state: 'all', per_page: 1, page: 2 }), [1]);

  await repository.git('update-ref', '-d', 'refs/heads/topic');
  assert.equal((await pulls.get({ ...target, pull_number: 2 })).data.state, 'closed');
  assert.deepEqual(
    forge.pullRequests('acme/shop').map(({ number, title, state }) => ({ number, title, state })),
    [
      { number: 1, title: 'Raise it', state: 'closed' },
      { number: 2, title: 'Raise the price', state: 'closed' },
    ],
  );
  assert.deepEqual(forge.violations, []);
});

test('a pull request without a reason is refused in the words of GitHub', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  await repository.git('update-ref', 'refs/heads/same', 'refs/heads/main');
  await repository.commit({ a: 'a' }, 'Topic', 'topic');
  const { pulls } = octokit(forge);
  const refusal = async (changes: object) => {
    const wanted = { ...target, title: 'T', head: 'topic', base: 'main', ...changes };
    const error: unknown = await pulls.create(wanted).catch((reason: unknown) => reason);
    return validationErrors(error);
  };
  const resource = 'PullRequest';
  assert.deepEqual(await refusal({ head: 'same' }), [
    { resource, code: 'custom', message: 'No commits between main and same' },
  ]);
  assert.deepEqual(await refusal({ head: 'none' }), [{ resource, field: 'head', code: 'invalid' }]);
  assert.deepEqual(await refusal({ base: 'none' }), [{ resource, field: 'base', code: 'invalid' }]);
  assert.deepEqual(await refusal({ body: 'x'.repeat(65_537) }), [
    {
      resource,
      field: 'body',
      code: 'custom',
      message: 'body is too long (maximum is 65536 characters)',
    },
  ]);
  assert.deepEqual(forge.pullRequests('acme/shop'), []);
});

test('who may not write is told so, as by GitHub', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const ref = { ...target, ref: 'refs/heads/one', sha: await repository.git('rev-parse', 'main') };
  await assert.rejects(octokit(forge, null).git.createRef(ref), { status: 401 });
  await assert.rejects(octokit(forge, 'wrong').git.createRef(ref), {
    status: 401,
    message: /Bad credentials/,
  });
  await assert.rejects(octokit(forge, forge.readOnlyToken).git.createRef(ref), { status: 403 });
  const { data, headers } = await octokit(forge).users.getAuthenticated();
  assert.deepEqual([data.login, headers['x-oauth-scopes']], ['tiny-backspace', 'repo']);
  await assert.rejects(octokit(forge, null).users.getAuthenticated(), { status: 401 });
  assert.equal((await octokit(forge, null).rateLimit.get()).data.rate.limit, 60);
  assert.deepEqual(
    forge.requests.map(
      ({ authorization, status }) => `${authorization.kind} ${authorization.caller} ${status}`,
    ),
    [
      'none anonymous 401',
      'bearer unknown 401',
      'bearer reader 403',
      'bearer writer 200',
      'none anonymous 401',
      'none anonymous 200',
    ],
  );
});

test('a renamed repository redirects the API and git', async (t) => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  await repository.commit({ a: 'a' }, 'Topic', 'topic');
  forge.renameRepository('acme/shop', 'acme-inc/store');

  const plain = await fetch(`${forge.apiUrl}/repos/acme/shop`, { redirect: 'manual' });
  const location = `${forge.apiUrl}/repositories/${repository.id}`;
  assert.deepEqual([plain.status, plain.headers.get('location')], [301, location]);
  const api = octokit(forge);
  assert.equal((await api.repos.get(target)).data.full_name, 'acme-inc/store');
  // A redirected POST keeps its method, hence 307.
  const wanted = { ...target, title: 'T', head: 'topic', base: 'main' };
  assert.equal((await api.pulls.create(wanted)).data.html_url, `${forge.url}/acme-inc/store/pull/1`);

  const folder = await temporaryFolder(t);
  await git(folder, 'clone', '--quiet', `${forge.url}/acme/shop.git`, '.');
  assert.equal(await readFile(join(folder, 'README.md'), 'utf8'), 'Shop\n');
  const moved = await fetch(`${forge.url}/acme/shop.git/info/refs?service=git-upload-pack`, {
    redirect: 'manual',
  });
  assert.deepEqual(
    [moved.status, moved.headers.get('location')],
    [301, '/acme-inc/store.git/info/refs?service=git-upload-pack'],
  );
  assert.deepEqual(forge.violations, []);
});

test("what GitHub's description refuses is refused and recorded", async () => {
  await using forge = await startForge();
  await forge.createRepository('acme/shop', { files });
  const api = octokit(forge);
  const refused: [route: string, parameters: object, sentence: RegExp][] = [
    ['POST /repos/acme/shop/git/refs', { ref: 'refs/heads/a' }, /must have required property 'sha'/],
    ['POST /repos/acme/shop/pulls', { title: 1, head: 'a', base: 'main' }, /\/title must be string/],
    ['POST /repos/acme/shop/pulls', { head: 'a', base: 'b', labels: [] }, /additional properties \(labels\)/],
    ['GET /repos/acme/shop/pulls', { state: 'merged' }, /\/state must be equal to one of/],
    ['GET /repos/acme/shop/pulls', { branch: 'a' }, /additional properties \(branch\)/],
    ['GET /repos/acme/shop/pulls/one', {}, /\/pull_number must be integer/],
  ];
  for (const [route, parameters, sentence] of refused) {
    await assert.rejects(api.request(route, { ...parameters }), { status: 422, message: sentence });
    assert.match(forge.violations.at(-1) ?? '', sentence);
  }
  await assert.rejects(api.request('GET /repos/acme/shop/branchs'), { status: 404 });
  assert.equal(
    forge.violations.at(-1),
    "GET /repos/acme/shop/branchs: It is no operation of GitHub's that the forge knows.",
  );
  assert.equal(forge.violations.length, refused.length + 1);
});

test('faults come on command: another answer, a delay, a break, silence, before or after the work', async () => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  await repository.commit({ a: 'a' }, 'Topic', 'topic');
  const { pulls } = octokit(forge);
  const wanted = { ...target, title: 'T', head: 'topic', base: 'main' };

  forge.intercept(({ method, path }) =>
    method === 'POST' && path === '/api/repos/acme/shop/pulls'
      ? { status: 502, headers: { 'retry-after': '1' }, body: 'Bad Gateway' }
      : undefined,
  );
  await assert.rejects(pulls.create(wanted), { status: 502 });
  forge.intercept(() => ({ instead: 'drop' }));
  await assert.rejects(pulls.create(wanted), /fetch failed|other side closed|terminated|hang up/);
  assert.deepEqual(forge.pullRequests('acme/shop'), []);

  forge.intercept(() => ({ afterwards: 'drop' }));
  await assert.rejects(pulls.create(wanted), /fetch failed|other side closed|terminated|hang up/);
  assert.equal(forge.pullRequests('acme/shop').length, 1);
  const retitle = (title: string) =>
    pulls.update({ ...target, pull_number: 1, title, request: { signal: AbortSignal.timeout(2_000) } });
  forge.intercept(() => ({ afterwards: { status: 502 } }));
  await assert.rejects(retitle('Done'), { status: 502 });
  assert.equal(forge.pullRequests('acme/shop')[0]?.title, 'Done');
  forge.intercept(() => ({ afterwards: 'silence' }));
  await assert.rejects(retitle('Done again'), /abort|timeout/i);
  assert.equal(forge.pullRequests('acme/shop')[0]?.title, 'Done again');

  forge.intercept(() => ({ delayMs: 80 }));
  const start = performance.now();
  assert.equal((await pulls.list(target)).data.length, 1);
  assert.ok(performance.now() - start >= 79);
  forge.intercept(undefined);
  assert.deepEqual(
    forge.requests.map(({ status }) => status),
    [502, undefined, undefined, 502, undefined, 200],
  );
});

test('a push whose answer is lost has still arrived', async (t) => {
  await using forge = await startForge();
  const repository = await forge.createRepository('acme/shop', { files });
  const folder = await temporaryFolder(t);
  await git(folder, 'clone', '--quiet', `${forge.url}/acme/shop.git`, '.');
  await git(folder, 'commit', '--quiet', '--allow-empty', '-m', 'Mine');
  forge.intercept(({ path }) => (path.endsWith('/git-receive-pack') ? { afterwards: 'drop' } : undefined));
  await assert.rejects(git(folder, 'push', '--quiet', withToken(forge, forge.token), 'HEAD:refs/heads/one'));
  assert.equal(await repository.git('rev-parse', 'one'), await git(folder, 'rev-parse', 'HEAD'));
});

test('a client that goes away in the middle takes its git processes with it', async () => {
  await using forge = await startForge();
  const noise = randomBytes(16 << 20);
  const repository = await forge.createRepository('acme/shop', { files: { noise } });
  const body = wantAll(await repository.git('rev-parse', 'main'));
  const socket = connect(Number(new URL(forge.url).port), '127.0.0.1');
  const head = [
    'POST /acme/shop.git/git-upload-pack HTTP/1.1',
    'host: forge',
    'content-type: application/x-git-upload-pack-request',
    `content-length: ${body.length}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Reading one piece and no more leaves git in the middle of the pack, waiting for somebody to read.
  await new Promise((resolve) => socket.once('data', resolve));
  socket.pause();
  assert.notDeepEqual(await processesIn(repository.directory), []);
  socket.destroy();
  for (let waitedMs = 0; waitedMs < 5_000; waitedMs += 20) {
    if ((await processesIn(repository.directory)).length === 0) break;
    await sleep(20);
  }
  assert.deepEqual(await processesIn(repository.directory), []);
  assert.deepEqual(forge.violations, []);
});

test('a forge that is disposed of leaves nothing behind', async () => {
  const forge = await startForge();
  const { directory } = await forge.createRepository('acme/shop', { files });
  await forge[Symbol.asyncDispose]();
  await assert.rejects(stat(directory), { code: 'ENOENT' });
  await assert.rejects(fetch(`${forge.url}/acme/shop`), { message: 'fetch failed' });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function octokit(forge: Forge, token: string | null = forge.token): Octokit {
  return new Octokit({ baseUrl: forge.apiUrl, log: silent, ...(token === null ? {} : { auth: token }) });
}

function withToken(forge: Forge, token: string, fullName = 'acme/shop'): string {
  return `${forge.url.replace('http://', `http://x-access-token:${token}@`)}/${fullName}.git`;
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'forge-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env.PATH,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  const person = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com'];
  const { stdout } = await promisify(execFile)('git', [...person, ...args], { cwd: folder, env });
  return stdout.trimEnd();
}

/** A whole conversation of git's first protocol in one request: one wish, nothing in common. */
function wantAll(sha: string): string {
  const want = `want ${sha} no-progress ofs-delta\n`;
  return `${(want.length + 4).toString(16).padStart(4, '0')}${want}00000009done\n`;
}

/** The ids of all processes that work in a folder. */
async function processesIn(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(ids.map((id) => readlink(`/proc/${id}/cwd`).catch(() => '')));
  return ids.filter((_, index) => folders[index] === folder);
}

function validationErrors(error: unknown): unknown {
  assert.ok(error instanceof Error && 'response' in error, String(error));
  const { response } = error;
  assert.ok(typeof response === 'object' && response !== null && 'data' in response);
  const { data } = response;
  assert.ok(typeof data === 'object' && data !== null && 'errors' in data);
  return data.errors;
}
