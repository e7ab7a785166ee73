import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';

/** One operation of GitHub's REST API, matched to a request. */
export type Operation = { id: string; parameters: Record<string, string> };

/** What the forge knows of GitHub's own OpenAPI description; `operations.json` is made by `openapi/extract.ts`. */
export type GitHubDescription = {
  /** Undefined when the description has no such operation, or none that the forge plays. */
  match(method: string, path: string): Operation | undefined;
  /** Sentences that say what the description refuses; turns `operation.parameters` into numbers and defaults. */
  refusals(operation: Operation, query: URLSearchParams, body: unknown): Checked;
  /** Gives `answer` every property that GitHub always sends, neutral where the forge has no opinion. */
  complete(operationId: string, status: number, answer: unknown): unknown;
};

type Checked = { refusals: string[]; parameters: Record<string, unknown> };

type Schema = { [key: string]: unknown };
type DescribedOperation = {
  id: string;
  method: string;
  path: string;
  parameters: { name: string; in: string; required: boolean; multiSegment: boolean; schema: Schema }[];
  body?: { required: boolean; schema: Schema };
  answers: { [status: string]: Schema | null };
};
type Compiled = DescribedOperation & {
  pattern: RegExp;
  validParameters: ValidateFunction;
  validBody: ValidateFunction | undefined;
};

const descriptionFile = join(import.meta.dirname, '../openapi/operations.json');
const { operations, schemas }: { operations: DescribedOperation[]; schemas: { [name: string]: Schema } } =
  JSON.parse(readFileSync(descriptionFile, 'utf8'));

const formats = {
  int64: true,
  email: true,
  uri: URL.canParse,
  'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
  'repo.nwo': /^[^/]+\/[^/]+$/,
} as const;

export const createGitHubDescription = (): GitHubDescription => {
  // Parameters arrive as text and may be read as numbers; a body must already have the right types.
  const ofParameters = new Ajv({
    strict: false,
    allErrors: true,
    coerceTypes: true,
    useDefaults: true,
    formats,
  });
  const ofBodies = new Ajv({ strict: false, allErrors: true, formats });
  ofBodies.addSchema({ $id: 'github', schemas });
  const compiled = new Map(
    operations.map((operation) => [operation.id, compile(operation, ofParameters, ofBodies)]),
  );
  const answers = new Map<string, ValidateFunction>();

  const answerValidator = (operationId: string, schema: Schema): ValidateFunction => {
    const known = answers.get(operationId) ?? ofBodies.compile(schema);
    answers.set(operationId, known);
    return known;
  };

  return {
    match(method, path) {
      for (const operation of compiled.values()) {
        const found = operation.method === method ? operation.pattern.exec(path) : null;
        if (found !== null) return { id: operation.id, parameters: decode(found.groups ?? {}) };
      }
      return undefined;
    },
    refusals(matched, query, body) {
      const operation = compiled.get(matched.id);
      if (operation === undefined) throw new Error(`No operation ${matched.id}.`);
      const parameters: Record<string, unknown> = { ...Object.fromEntries(query), ...matched.parameters };
      const refusals = operation.validParameters(parameters)
        ? []
        : sentences('parameter', operation.validParameters);
      return { refusals: [...refusals, ...bodyRefusals(operation, body)], parameters };
    },
    complete(operationId, status, answer) {
      const schema = compiled.get(operationId)?.answers[status];
      if (schema === undefined || schema === null) return answer;
      const completed = fill(schema, answer, 'http://127.0.0.1');
      const valid = answerValidator(operationId, schema);
      if (valid(completed)) return completed;
      throw new Error(
        `The forge's answer to ${operationId} is not GitHub's: ${sentences('answer', valid).join(' ')}`,
      );
    },
  };
};

function compile(operation: DescribedOperation, ofParameters: Ajv, ofBodies: Ajv): Compiled {
  const names = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const parameter = operation.parameters.find((each) => each.in === 'path' && each.name === name);
    return `(?<${name}>${parameter?.multiSegment ? '.+' : '[^/]+'})`;
  });
  return {
    ...operation,
    pattern: new RegExp(`^${names}$`),
    validParameters: ofParameters.compile({
      type: 'object',
      properties: Object.fromEntries(operation.parameters.map(({ name, schema }) => [name, schema])),
      required: operation.parameters.filter(({ required }) => required).map(({ name }) => name),
      additionalProperties: false,
    }),
    // GitHub ignores what it does not know; a name that it does not know is still a mistake of ours.
    validBody: operation.body && ofBodies.compile({ additionalProperties: false, ...operation.body.schema }),
  };
}

function bodyRefusals({ body: described, validBody }: Compiled, body: unknown): string[] {
  if (body === undefined) return described?.required ? ['The body is missing.'] : [];
  if (validBody === undefined) return ['It takes no body.'];
  return validBody(body) ? [] : sentences('body', validBody);
}

function sentences(what: string, { errors }: ValidateFunction): string[] {
  return (errors ?? []).map(({ instancePath, message, params }) => {
    const named = 'additionalProperty' in params ? ` (${String(params.additionalProperty)})` : '';
    return `The ${what}${instancePath && ` ${instancePath}`} ${message ?? 'is invalid'}${named}.`;
  });
}

function decode(groups: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)]));
}

/** `near` is the API address of the thing that is being filled: the links that GitHub adds start with it. */
function fill(schema: Schema, value: unknown, near: string, name = ''): unknown {
  if (typeof schema.$ref === 'string') {
    return fill(schemas[schema.$ref.replace('github#/schemas/', '')] ?? {}, value, near, name);
  }
  const choice = [schema.oneOf, schema.anyOf].find(Array.isArray)?.[0];
  if (choice !== undefined) return fill(choice, value, near, name);
  const types = [schema.type].flat();
  if (value === undefined && types.includes('null')) return null;
  if (types.includes('object') && (value === undefined || isObject(value))) {
    return fillObject(schema, value ?? {}, near);
  }
  if (types.includes('array') && Array.isArray(value) && isObject(schema.items)) {
    const items = schema.items;
    return value.map((item) => fill(items, item, near));
  }
  return value === undefined ? neutral(schema, types[0], near, name) : value;
}

function fillObject(schema: Schema, value: Schema, near: string): Schema {
  const here = typeof value.url === 'string' ? value.url : near;
  const filled: Schema = { ...value };
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  for (const [key, part] of Object.entries(isObject(schema.properties) ? schema.properties : {})) {
    if (isObject(part) && (key in value || required.includes(key)))
      filled[key] = fill(part, value[key], here, key);
  }
  return filled;
}

function neutral(schema: Schema, type: unknown, near: string, name: string): unknown {
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (type === 'array') return [];
  if (type === 'boolean') return false;
  if (type === 'integer' || type === 'number') return 0;
  if (schema.format === 'date-time') return '2026-01-01T00:00:00Z';
  if (name.endsWith('url') || name === 'href' || schema.format === 'uri')
    return `${near}/${name.replace(/_?url$/, '')}`;
  return '';
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
