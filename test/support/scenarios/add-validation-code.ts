/** The code that the scenario add-validation writes: what a careful engineer would put into the demo's repository. */

type Replacement = { old: string; new: string };

/** Sends a few bad bodies to the API and shows the answers, one a line. */
export const reproduction = `node --input-type=module <<'EOF' 2>&1 | grep POST
import { startApi } from './tests/start-api.js';
const api = await startApi({ after() {} });
const bodies = [
  ['/books', {}],
  ['/books', { id: 'mine', title: 42 }],
  ['/members', {}],
  ['/books/99/reviews', { rating: 'ten' }],
];
for (const [path, sent] of bodies) {
  const { status, body } = await api.post(path, sent);
  console.log('POST', path, JSON.stringify(sent), '->', status, JSON.stringify(body));
}
process.exit();
EOF`;

export const validationModule = `import { HttpError } from './http.js';

// A rule is given a value and answers what is wrong with it; nothing when it is fine.

export const required = (rule) => (value) => (value === undefined ? 'is required' : rule(value));

export const optional = (rule) => (value) => (value === undefined ? undefined : rule(value));

export const text = (charactersMax) => (value) => {
  if (typeof value !== 'string') return 'must be a string';
  if (value.trim() === '') return 'must not be empty';
  if (value.length > charactersMax) return \`must not be longer than \${charactersMax} characters\`;
};

export const wholeNumber = (min, max) => (value) => {
  if (!Number.isInteger(value)) return 'must be a whole number';
  if (value < min || value > max) return \`must be between \${min} and \${max}\`;
};

/** Catches typing errors only: whether an address exists is known when a letter to it arrives. */
export const email = (value) =>
  text(254)(value) ?? (/^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$/.test(value) ? undefined : 'must be an email address');

/**
 * Returns the fields that have a rule, and no others, so that a client cannot set what is not its own, such as an id.
 * Throws a 400 that names every wrong field at once.
 */
export function validate(body, rules) {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new HttpError(400, 'The request body must be a JSON object');
  }
  const fields = Object.keys(rules).map((field) => {
    const value = Object.hasOwn(body, field) ? body[field] : undefined;
    return { field, value, problem: rules[field](value) };
  });
  const wrong = fields.filter(({ problem }) => problem !== undefined);
  if (wrong.length > 0) throw invalid(wrong.map(({ field, problem }) => [field, problem]));

  const present = fields.filter(({ value }) => value !== undefined);
  return Object.fromEntries(present.map(({ field, value }) => [field, value]));
}

/** A 400 about these fields: pairs of a field and what is wrong with it. */
export function invalid(problems) {
  const details = problems.map(([field, problem]) => ({ field, message: \`\${field} \${problem}\` }));
  return new HttpError(400, 'The request body is not valid', details);
}
`;

export const httpReadJson = {
  start: {
    old: `/** Reads the whole body of a request as JSON. */
export async function readJson(request) {
`,
    new: `/** An error that the client can mend: it is answered with its status, message and details. */
export class HttpError extends Error {
  constructor(status, message, details) {
    super(message);
    this.status = status;
    this.details = details;
  }
}

/** Reads the whole body of a request as JSON; throws an HttpError when it is anything else. */
export async function readJson(request) {
  if (request.headers['content-type'] !== 'application/json') {
    throw new HttpError(415, 'Send the body as application/json');
  }
`,
  },
  end: {
    old: '  return JSON.parse(text);\n',
    new: `  try {
    return JSON.parse(text);
  } catch {
    throw new HttpError(400, 'The request body is not valid JSON');
  }
`,
  },
  mediaType: {
    old: `  if (request.headers['content-type'] !== 'application/json') {
`,
    new: `  // A charset or other parameters may follow the media type.
  const [mediaType] = (request.headers['content-type'] ?? '').split(';');
  if (mediaType.trim().toLowerCase() !== 'application/json') {
`,
  },
} satisfies Record<string, Replacement>;

export const appCatch = {
  import: {
    old: "import { sendJson } from './http.js';\n",
    new: "import { HttpError, sendJson } from './http.js';\n",
  },
  handler: {
    old: `    } catch (error) {
      console.error(error);
`,
    new: `    } catch (error) {
      if (error instanceof HttpError) {
        sendJson(response, error.status, { error: error.message, details: error.details });
        return;
      }
      console.error(error);
`,
  },
} satisfies Record<string, Replacement>;

export const bookRules = {
  rules: {
    old: `import { readJson, sendJson } from '../http.js';
`,
    new: `import { readJson, sendJson } from '../http.js';
import { optional, required, text, validate, wholeNumber } from '../validation.js';

const bookRules = {
  title: required(text(200)),
  author: required(text(200)),
  pages: optional(wholeNumber(1, 20_000)),
};
`,
  },
  use: {
    old: 'const book = await readJson(request);',
    new: 'const book = validate(await readJson(request), bookRules);',
  },
} satisfies Record<string, Replacement>;

export const memberRules = {
  rules: {
    old: `import { readJson, sendJson } from '../http.js';
`,
    new: `import { readJson, sendJson } from '../http.js';
import { email, required, text, validate } from '../validation.js';

const memberRules = {
  name: required(text(100)),
  email: required(email),
};
`,
  },
  use: {
    old: 'const member = await readJson(request);',
    new: 'const member = validate(await readJson(request), memberRules);',
  },
} satisfies Record<string, Replacement>;

export const reviewHandler = {
  rules: {
    old: `import { readJson, sendJson } from '../http.js';
`,
    new: `import { HttpError, readJson, sendJson } from '../http.js';
import { invalid, optional, required, text, validate, wholeNumber } from '../validation.js';

const reviewRules = {
  memberId: required(wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  rating: required(wholeNumber(1, 5)),
  text: optional(text(2_000)),
};
`,
  },
  use: {
    old: `      const review = await readJson(request);
`,
    new: `      if (!book) throw new HttpError(404, \`No book with id \${id}\`);
      const review = validate(await readJson(request), reviewRules);
      if (!store.member(review.memberId)) throw invalid([['memberId', 'does not belong to a member']]);
`,
  },
} satisfies Record<string, Replacement>;

export const validationTests = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from './start-api.js';

const book = { title: 'Dune', author: 'Frank Herbert', pages: 688 };
const member = { name: 'Ada', email: 'ada@example.org' };
const review = { memberId: 1, rating: 5, text: 'I could taste the sand.' };

const wrongFields = [
  ['a book without anything', '/books', {}, ['title is required', 'author is required']],
  ['a title that is a number', '/books', { ...book, title: 42 }, ['title must be a string']],
  ['a blank title', '/books', { ...book, title: '  ' }, ['title must not be empty']],
  ['a title without end', '/books', { ...book, title: 'x'.repeat(201) }, ['title must not be longer than 200 characters']],
  ['pages as text', '/books', { ...book, pages: '688' }, ['pages must be a whole number']],
  ['a book of no pages', '/books', { ...book, pages: 0 }, ['pages must be between 1 and 20000']],
  ['a member without anything', '/members', {}, ['name is required', 'email is required']],
  ['a name that is null', '/members', { ...member, name: null }, ['name must be a string']],
  ['an email without a host', '/members', { ...member, email: 'ada@' }, ['email must be an email address']],
  ['a review without anything', '/books/1/reviews', {}, ['memberId is required', 'rating is required']],
  ['six stars', '/books/1/reviews', { ...review, rating: 6 }, ['rating must be between 1 and 5']],
  ['half a star', '/books/1/reviews', { ...review, rating: 4.5 }, ['rating must be a whole number']],
  ['an empty text', '/books/1/reviews', { ...review, text: '' }, ['text must not be empty']],
  ['a reviewer nobody knows', '/books/1/reviews', { ...review, memberId: 9 }, ['memberId does not belong to a member']],
];

for (const [what, path, body, messages] of wrongFields) {
  test(\`\${what} is refused\`, async (t) => {
    const api = await startClub(t);
    const details = messages.map((message) => ({ field: message.split(' ')[0], message }));
    assert.deepEqual(await api.post(path, body), {
      status: 400,
      body: { error: 'The request body is not valid', details },
    });
  });
}

for (const path of ['/books', '/members', '/books/1/reviews']) {
  test(\`POST \${path} takes nothing but a JSON object\`, async (t) => {
    const api = await startClub(t);
    const notAnObject = { status: 400, body: { error: 'The request body must be a JSON object' } };
    assert.deepEqual(await api.post(path, null), notAnObject);
    assert.deepEqual(await api.post(path, [book]), notAnObject);
    assert.deepEqual(await postText(api, path, 'application/json', '{ "title": '), {
      status: 400,
      body: { error: 'The request body is not valid JSON' },
    });
    assert.deepEqual(await postText(api, path, 'text/plain', '{}'), {
      status: 415,
      body: { error: 'Send the body as application/json' },
    });
  });
}

test('the media type may be written in capitals and carry a charset', async (t) => {
  const api = await startClub(t);
  const { status } = await postText(api, '/books', 'Application/JSON;charset=UTF-8', JSON.stringify(book));
  assert.equal(status, 201);
});

test('a review of a book that is not there says so', async (t) => {
  const api = await startClub(t);
  assert.deepEqual(await api.post('/books/99/reviews', review), {
    status: 404,
    body: { error: 'No book with id 99' },
  });
});

test('a client cannot choose its own id', async (t) => {
  const api = await startClub(t);
  assert.deepEqual(await api.post('/books', { ...book, id: 1 }), { status: 201, body: { id: 2, ...book } });
});

test('what is refused is not stored', async (t) => {
  const api = await startClub(t);
  for (const [, path, body] of wrongFields) await api.post(path, body);
  assert.deepEqual(await api.get('/books/1'), {
    status: 200,
    body: { id: 1, ...book, averageRating: null, reviews: [] },
  });
  assert.equal((await api.get('/books')).body.length, 1);
  assert.equal((await api.get('/members')).body.length, 1);
});

/** A club with one book and one member. */
async function startClub(t) {
  const api = await startApi(t);
  await api.post('/books', book);
  await api.post('/members', member);
  return api;
}

async function postText(api, path, contentType, body) {
  const response = await fetch(api.url + path, { method: 'POST', headers: { 'content-type': contentType }, body });
  return { status: response.status, body: await response.json() };
}
`;

export const readmeChecks = {
  optional: {
    old: '`pages` and `text` may be left out.\n',
    new: `\`pages\` and \`text\` may be left out; fields that are not in the table are ignored. What is checked:

| Field             | Must be                                             |
| ----------------- | --------------------------------------------------- |
| \`title\`, \`author\` | text of 1 to 200 characters                         |
| \`pages\`           | a whole number from 1 to 20,000                     |
| \`name\`            | text of 1 to 100 characters                         |
| \`email\`           | an email address of at most 254 characters          |
| \`memberId\`        | the id of a member                                  |
| \`rating\`          | a whole number from 1 to 5                          |
| \`text\`            | text of 1 to 2,000 characters                       |
`,
  },
  errors: {
    old: 'Errors are JSON: `{ "error": "No book with id 7" }`.\n',
    new: `Errors are JSON: \`{ "error": "No book with id 7" }\`. When fields are wrong, \`details\` names all of them:

\`\`\`json
{
  "error": "The request body is not valid",
  "details": [{ "field": "rating", "message": "rating must be between 1 and 5" }]
}
\`\`\`

| Status | Means                                                      |
| ------ | ---------------------------------------------------------- |
| \`400\`  | the body is not JSON, not an object, or fields are wrong   |
| \`404\`  | there is no such path, or no book with this id             |
| \`415\`  | the body was not sent as \`application/json\`                |
`,
  },
  files: {
    old: '- `src/http.js` reads and writes JSON\n',
    new: `- \`src/http.js\` reads and writes JSON
- \`src/validation.js\` checks what clients send
`,
  },
} satisfies Record<string, Replacement>;
