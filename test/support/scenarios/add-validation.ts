import { call, type Scenario, say, think } from '../model/scenario.ts';
import {
  appCatch,
  bookRules,
  httpReadJson,
  memberRules,
  readmeChecks,
  reproduction,
  reviewHandler,
  validationModule,
  validationTests,
} from './add-validation-code.ts';

/** What the demo asks for, on the repository in ../demo-repository. */
export const addValidationPrompt =
  'Add input validation to all POST endpoints and return proper error messages';

const planTitles = [
  'See what bad bodies do today',
  'Write the checks and let errors carry a status',
  'Use them in the three POST routes',
  'Test every way a body can be wrong',
  'Document the checks in the README',
];

/** The plan with the step at this index under way; one past the last means that all is done. */
const plan = (activeIndex: number) =>
  call('plan', {
    steps: planTitles.map((title, index) => ({
      title,
      state: index < activeIndex ? 'done' : index === activeIndex ? 'active' : 'pending',
    })),
  });

const read = (filepath: string) => call('read', { filepath });
const bash = (command: string) => call('bash', { command });
const edit = (filepath: string, old_str: string, new_str: string) =>
  call('edit', { filepath, old_str, new_str });

/**
 * Plays a careful agent on the demo's repository. Each `expect` is a fact that the real tools must have brought back,
 * so the play stops with an error as soon as a tool, the sandbox or the repository does not do what it should. The
 * first test run fails for a real reason (the media type is compared with its charset), which the agent then mends.
 */
export const addValidation: Scenario = {
  name: 'add-validation',
  when: /add input validation to all POST endpoints/i,
  turns: [
    {
      reply: [
        think('I do not know this repository yet. First its layout and what it says about itself.'),
        say('I’ll start by looking at how the project is laid out.'),
        call('list', {}),
        read('README.md'),
        read('package.json'),
      ],
    },
    {
      expect: /src\/routes\/reviews\.js[\s\S]*"test": "node --test"/,
      reply: [
        think(
          'A small API on plain node:http. Requests go app → routes → store; JSON is read in src/http.js.',
        ),
        say('Small and tidy: a dependency-free API. Now the way of a request, from the router to the store.'),
        read('src/app.js'),
        read('src/http.js'),
        read('src/store.js'),
        call('search', { pattern: "method: 'POST'", path: 'src' }),
      ],
    },
    {
      expect: /JSON\.parse(?=[\s\S]*books\.js)(?=[\s\S]*members\.js)(?=[\s\S]*reviews\.js)/,
      reply: [
        say('There are three POST endpoints: books, members and reviews.'),
        read('src/routes/books.js'),
        read('src/routes/members.js'),
        read('src/routes/reviews.js'),
        read('tests/start-api.js'),
        read('tests/books.test.js'),
        bash('npm test'),
      ],
    },
    {
      expect: /(?:#|ℹ) pass 7\b[\s\S]*(?:#|ℹ) fail 0\b/,
      reply: [
        think(
          'All 7 tests pass before I change anything. No handler looks at its body: addMember calls ' +
            'email.toLowerCase(), addReview wants book.id of a book that may be undefined, and addBook spreads the ' +
            'body over the id, so a client could even choose its own id. I want to see that rather than believe it.',
        ),
        say('The tests pass as they are. Before changing anything, let me see what bad bodies do today.'),
        plan(0),
        bash(reproduction),
      ],
    },
    {
      expect: /POST \/books \{"id":"mine","title":42\} -> 201[\s\S]*POST \/members \{\} -> 500/,
      reply: [
        say(
          'Confirmed: nonsense is stored with `201`, a client can choose its own `id`, and a missing email or an ' +
            'unknown book ends in a `500`. One small module of rules can serve all three routes, and errors that ' +
            'carry a status keep the handlers short.',
        ),
        plan(1),
        call('write', { filepath: 'src/validation.js', content: validationModule }),
        edit('src/http.js', httpReadJson.start.old, httpReadJson.start.new),
        edit('src/http.js', httpReadJson.end.old, httpReadJson.end.new),
        edit('src/app.js', appCatch.import.old, appCatch.import.new),
        edit('src/app.js', appCatch.handler.old, appCatch.handler.new),
      ],
    },
    {
      reply: [
        think(
          'In the review route the order matters: first 404 for a book that is not there, then the body. memberId ' +
            'comes in the body, so an unknown one is a 400 on that field.',
        ),
        say('Now the three routes, and then the tests that were there before me.'),
        plan(2),
        edit('src/routes/books.js', bookRules.rules.old, bookRules.rules.new),
        edit('src/routes/books.js', bookRules.use.old, bookRules.use.new),
        edit('src/routes/members.js', memberRules.rules.old, memberRules.rules.new),
        edit('src/routes/members.js', memberRules.use.old, memberRules.use.new),
        edit('src/routes/reviews.js', reviewHandler.rules.old, reviewHandler.rules.new),
        edit('src/routes/reviews.js', reviewHandler.use.old, reviewHandler.use.new),
        bash('npm test'),
      ],
    },
    {
      expect: /^(?=[\s\S]*status: 415)(?=[\s\S]*(?:#|ℹ) fail 4\b)/,
      reply: [
        think(
          'Good bodies get 415. The test helper sends "application/json; charset=utf-8", which is perfectly valid; ' +
            'my comparison takes the header literally. Only the media type before the semicolon counts, and case ' +
            'does not matter.',
        ),
        say(
          'My mistake, and the existing tests caught it: I compared the whole `content-type` header, so ' +
            '`application/json; charset=utf-8` was refused. Only the media type should count.',
        ),
        edit('src/http.js', httpReadJson.mediaType.old, httpReadJson.mediaType.new),
        bash('npm test'),
      ],
    },
    {
      expect: /(?:#|ℹ) pass 7\b[\s\S]*(?:#|ℹ) fail 0\b/,
      reply: [
        say(
          'The old tests pass again, unchanged. Now new ones: each way in which a body can be wrong, what must not ' +
            'get stored, and the media type that I got wrong.',
        ),
        plan(3),
        call('write', { filepath: 'tests/validation.test.js', content: validationTests }),
        bash('npm test'),
      ],
    },
    {
      expect: /(?:#|ℹ) pass 28\b[\s\S]*(?:#|ℹ) fail 0\b/,
      reply: [
        say('All green, old tests and new. The same requests as at the start, once more:'),
        bash(reproduction),
      ],
    },
    {
      expect: /POST \/books \{\} -> 400[\s\S]*POST \/books\/99\/reviews \{"rating":"ten"\} -> 404/,
      reply: [
        say('No more `500`, and every answer says what to mend. The README should tell it as well.'),
        plan(4),
        edit('README.md', readmeChecks.optional.old, readmeChecks.optional.new),
        edit('README.md', readmeChecks.errors.old, readmeChecks.errors.new),
        edit('README.md', readmeChecks.files.old, readmeChecks.files.new),
        bash('npm test'),
      ],
    },
    {
      expect: /(?:#|ℹ) pass 28\b[\s\S]*(?:#|ℹ) fail 0\b/,
      reply: [
        say('A last look at the whole change.'),
        plan(5),
        bash('git status --short && git diff --stat'),
      ],
    },
    {
      expect: /\?\? src\/validation\.js[\s\S]*src\/routes\/reviews\.js[\s\S]*6 files changed/,
      reply: [
        say(`Validate the bodies of all POST endpoints

Bad requests used to end in a \`500\` or, worse, in the store: \`POST /books\` took \`{}\`, numbers as titles and even an \`id\` of the client's own. Now each of the three POST endpoints checks its body and says what is wrong with it.

**What changed**

- \`src/validation.js\` is new: a handful of rules and \`validate(body, rules)\`, which reports all wrong fields at once and passes on known fields only
- \`src/http.js\` answers a body that is not JSON with \`400\`, and any other content type with \`415\`
- \`src/app.js\` turns an \`HttpError\` into its status and message; everything unforeseen is a \`500\` as before
- \`POST /books\`, \`POST /members\` and \`POST /books/:id/reviews\` use the rules; an unknown book is a \`404\`, an unknown \`memberId\` a \`400\`
- the README has the rules and the shape of an error

Errors keep their \`error\` text and gain \`details\` where fields are wrong:

\`\`\`json
{ "error": "The request body is not valid", "details": [{ "field": "title", "message": "title is required" }] }
\`\`\`

**How it was checked**

\`npm test\`: 28 tests pass, the 7 that were there (unchanged) and 21 new ones in \`tests/validation.test.js\`.

**What to look at**

- Unknown fields are dropped silently. Refusing them would be stricter, but might break clients of today.
- The limits (titles of 200 characters, reviews of 2,000, …) are my choice; they stand at the top of each route file.
- Not part of this change: a limit on the size of a whole body, and two members with the same email.`),
      ],
    },
  ],
};
