/**
 * Takes what the local forge needs out of GitHub's own OpenAPI description: `node test/support/openapi/extract.ts`.
 *
 * The package unpacks to 385 MB, so only the one file is read from the archive, and only bare facts (names, types,
 * what is required) of the used operations are kept, small enough to be committed beside this script.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

type Json = string | number | boolean | null | Json[] | JsonObject;
type JsonObject = { [key: string]: Json };

const packageName = '@octokit/openapi';
const packageVersion = '23.0.2';
const descriptionBytesMax = 64 << 20;
const timeoutMs = 300_000;
const prose = 'description title example examples externalDocs deprecated nullable discriminator'.split(' ');

const operationsUsed: readonly (readonly [method: string, path: string])[] = [
  ['get', '/user'],
  ['get', '/rate_limit'],
  ['get', '/repos/{owner}/{repo}'],
  ['get', '/repos/{owner}/{repo}/branches/{branch}'],
  ['get', '/repos/{owner}/{repo}/commits/{ref}'],
  ['get', '/repos/{owner}/{repo}/git/ref/{ref}'],
  ['post', '/repos/{owner}/{repo}/git/refs'],
  ['patch', '/repos/{owner}/{repo}/git/refs/{ref}'],
  ['delete', '/repos/{owner}/{repo}/git/refs/{ref}'],
  ['get', '/repos/{owner}/{repo}/pulls'],
  ['post', '/repos/{owner}/{repo}/pulls'],
  ['get', '/repos/{owner}/{repo}/pulls/{pull_number}'],
  ['patch', '/repos/{owner}/{repo}/pulls/{pull_number}'],
];

const description = await downloadDescription(AbortSignal.timeout(timeoutMs));
const operations = operationsUsed.map(([method, path]) => extractOperation(description, method, path));
const schemas = collectSchemas(description, operations);
await writeFile(
  join(import.meta.dirname, 'operations.json'),
  [
    '{',
    `"source": ${JSON.stringify(`${packageName}@${packageVersion}`)},`,
    `"operations": [\n${operations.map((operation) => JSON.stringify(operation)).join(',\n')}\n],`,
    `"schemas": {\n${[...schemas].map(([name, schema]) => `${JSON.stringify(name)}: ${JSON.stringify(schema)}`).join(',\n')}\n}`,
    '}\n',
  ].join('\n'),
);

async function downloadDescription(signal: AbortSignal): Promise<JsonObject> {
  const directory = await mkdtemp(join(tmpdir(), 'openapi-'));
  const run = promisify(execFile);
  try {
    const options = { cwd: directory, signal, maxBuffer: descriptionBytesMax };
    await run('npm', ['pack', `${packageName}@${packageVersion}`, '--silent'], options);
    const archive = (await readdir(directory)).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new Error(`npm pack left no archive of ${packageName}.`);
    await run(
      'tar',
      ['-xzf', archive, '--strip-components=2', 'package/generated/api.github.com.json'],
      options,
    );
    return asObject(JSON.parse(await readFile(join(directory, 'api.github.com.json'), 'utf8')));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function extractOperation(root: JsonObject, method: string, path: string): JsonObject {
  const operation = asObject(at(root, 'paths', path, method));
  const parameters = asArray(operation.parameters ?? []).map((parameter) => {
    const { name = '', in: place = '', required = false, schema = {}, ...rest } = resolve(root, parameter);
    return {
      name,
      in: place,
      required,
      multiSegment: rest['x-multi-segment'] === true,
      schema: facts(schema),
    };
  });
  const extracted: JsonObject = {
    id: operation.operationId ?? '',
    method: method.toUpperCase(),
    path,
    parameters,
    answers: extractAnswers(root, asObject(operation.responses ?? {})),
  };
  if (operation.requestBody === undefined) return extracted;
  const body = asObject(operation.requestBody);
  const schema = facts(at(body, 'content', 'application/json', 'schema'));
  return { ...extracted, body: { required: body.required === true, schema } };
}

/** Only the answers of success: GitHub's errors have one shape for all. */
function extractAnswers(root: JsonObject, responses: JsonObject): JsonObject {
  const answers: JsonObject = {};
  for (const [status, response] of Object.entries(responses)) {
    if (!status.startsWith('2')) continue;
    const { content } = resolve(root, response);
    answers[status] = content === undefined ? null : facts(at(content, 'application/json', 'schema'));
  }
  return answers;
}

function collectSchemas(root: JsonObject, from: Json): Map<string, Json> {
  const found = new Map<string, Json>();
  const visit = (value: Json): void => {
    if (Array.isArray(value)) value.forEach(visit);
    else if (isObject(value)) {
      const name = typeof value.$ref === 'string' ? (value.$ref.split('/').at(-1) ?? '') : undefined;
      if (name !== undefined && !found.has(name)) {
        found.set(name, facts(at(root, 'components', 'schemas', name)));
        visit(found.get(name) ?? null);
      }
      Object.values(value).forEach(visit);
    }
  };
  visit(from);
  return found;
}

/** A schema without prose, in the dialect of JSON Schema: OpenAPI 3.0's `nullable` becomes a type. */
function facts(value: Json): Json {
  if (Array.isArray(value)) return value.map(facts);
  if (!isObject(value)) return value;
  const schema: JsonObject = {};
  for (const [key, part] of Object.entries(value)) {
    if (prose.includes(key) || key.startsWith('x-')) continue;
    if (key === '$ref') schema.$ref = String(part).replace('#/components/schemas/', 'github#/schemas/');
    else if (key === 'enum' || key === 'default' || key === 'required') schema[key] = part;
    // A property may be called "title" or "description": the names below `properties` are no keywords.
    else if (key === 'properties' && isObject(part)) schema.properties = mapValues(part, facts);
    else schema[key] = facts(part);
  }
  return value.nullable === true ? nullable(schema) : schema;
}

function nullable(schema: JsonObject): JsonObject {
  if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const choices = Array.isArray(schema.enum) ? { enum: [...schema.enum, null] } : {};
  return { ...schema, ...choices, type: [schema.type, 'null'] };
}

function resolve(root: JsonObject, value: Json): JsonObject {
  const object = asObject(value);
  if (typeof object.$ref !== 'string') return object;
  return asObject(at(root, ...object.$ref.replace('#/', '').split('/')));
}

function at(value: Json, ...path: string[]): Json {
  return path.reduce<Json>((current, key) => {
    const next = asObject(current)[key];
    if (next === undefined) throw new Error(`GitHub's description has no ${path.join(' › ')}.`);
    return next;
  }, value);
}

function mapValues(object: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: Json): JsonObject {
  if (!isObject(value)) throw new Error(`Expected an object in GitHub's description, found ${typeof value}.`);
  return value;
}

function asArray(value: Json): Json[] {
  if (!Array.isArray(value))
    throw new Error(`Expected a list in GitHub's description, found ${typeof value}.`);
  return value;
}
