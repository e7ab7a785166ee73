// Usage: node register-runtime.mjs DAEMON_JSON NAME PATH_OF_RUNSC
// Merges one runtime into Docker's daemon.json and keeps every other key. It is plain JavaScript, because a bare
// host may have an older Node which does not run TypeScript.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const [file, name, path] = process.argv.slice(2);
if (file === undefined || name === undefined || path === undefined) {
  fail('usage: register-runtime.mjs DAEMON_JSON NAME PATH_OF_RUNSC');
}

// Sandboxes have no network: this argument holds even if a container is created with another network mode.
const wanted = { path, runtimeArgs: ['--network=none'] };
const settings = readSettings(file);

if (isDeepStrictEqual(settings.runtimes?.[name], wanted)) {
  say(`nothing to do: ${file} names the runtime ${name}`);
} else {
  writeSettings(file, { ...settings, runtimes: { ...settings.runtimes, [name]: wanted } });
  say(`registered the runtime ${name} in ${file}`);
}

function readSettings(from) {
  const text = existsSync(from) ? readFileSync(from, 'utf8') : '';
  if (text.trim() === '') return {};
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    fail(`${from} is not valid JSON (${error.message}). Mend it, then repeat.`);
  }
  if (!isObject(parsed)) fail(`${from} must hold a JSON object. Mend it, then repeat.`);
  if (parsed.runtimes !== undefined && !isObject(parsed.runtimes)) {
    fail(`"runtimes" in ${from} must be a JSON object. Mend it, then repeat.`);
  }
  return parsed;
}

// Written beside and renamed, so that Docker never reads half a file.
function writeSettings(to, value) {
  mkdirSync(dirname(to), { recursive: true });
  const mode = existsSync(to) ? statSync(to).mode & 0o777 : 0o644;
  if (existsSync(to)) {
    const backup = `${to}.before-tiny-backspace`;
    if (existsSync(backup)) {
      say(`kept the earlier backup ${backup}`);
    } else {
      copyFileSync(to, backup);
      say(`kept the previous file as ${backup}`);
    }
  }
  writeFileSync(`${to}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(`${to}.new`, to);
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function say(text) {
  console.log(`host: ${text}`);
}

function fail(text) {
  console.error(`host: error: ${text}`);
  process.exit(1);
}
