import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, asAppError, errorCodes } from '../../../server/domain/errors.ts';
import { errorStatus } from '../../../server/http/error-status.ts';

test('every code says in one sentence what to do, and has an HTTP status of an error', () => {
  assert.equal(new Set(errorCodes).size, errorCodes.length);
  for (const code of errorCodes) {
    assert.match(new AppError(code, 'It failed.').whatToDo, /^[A-Z][^\n]{10,}\.$/, code);
    assert.ok(errorStatus[code] >= 400 && errorStatus[code] <= 599, code);
  }
});

test('whoever throws can say more exactly what to do', () => {
  const { name, code, message, whatToDo, cause } = new AppError('internal', 'It failed.', {
    whatToDo: 'Look at the moon.',
    cause: 'the tide',
  });
  assert.deepEqual(
    { name, code, message, whatToDo, cause },
    {
      name: 'AppError',
      code: 'internal',
      message: 'It failed.',
      whatToDo: 'Look at the moon.',
      cause: 'the tide',
    },
  );
});

test('an AppError stays itself, and anything else is internal and keeps its cause, not its words', () => {
  const error = new AppError('sandbox_lost', 'The sandbox stopped.');
  assert.equal(asAppError(error), error);
  for (const thrown of [new Error('password: 1234'), 'password: 1234', undefined]) {
    const { code, message, cause } = asAppError(thrown);
    assert.deepEqual(
      { code, message, cause },
      { code: 'internal', message: 'Something failed that the server did not foresee.', cause: thrown },
    );
  }
});

test('when cleaning up fails as well, the first failure says why', async () => {
  const first = new AppError('sandbox_lost', 'The sandbox stopped.');
  const work = async () => {
    await using _ = {
      [Symbol.asyncDispose]: async () => {
        throw new Error('Docker is gone');
      },
    };
    throw first;
  };
  assert.equal(await work().catch(asAppError), first);
});
