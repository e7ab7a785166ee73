import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exploration } from '../../../../server/domain/exploration.ts';
import { withOfferedImage } from '../../../../server/jobs/setup/offered-image.ts';

const exploration: Exploration = {
  ...{ files: 1, tree: 'README.md', languages: [], manifests: [], instructions: [] },
  ...{ checks: [], checksFrom: 'none', setup: [], notes: ['Something else.'] },
};
const images = [
  { name: 'default', holds: 'Node.js 24' },
  { name: 'go', holds: 'Go 1.26' },
];

test('an image that the server offers stays, with what it holds, and so does none', () => {
  assert.equal(withOfferedImage(exploration, images), exploration);
  const withGo = { ...exploration, image: 'go' };
  assert.deepEqual(withOfferedImage(withGo, images), { ...withGo, imageHolds: 'Go 1.26' });
});

test('in the place of one that it does not offer comes the default one, and a note says so', () => {
  assert.deepEqual(withOfferedImage({ ...exploration, image: 'rust' }, images), {
    ...exploration,
    notes: [
      'Something else.',
      '.backspace.yml asks for the sandbox image «rust», which this server does not offer: the default one was used. It offers default (Node.js 24), go (Go 1.26).',
    ],
  });
});
