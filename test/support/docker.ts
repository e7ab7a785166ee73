import type Docker from 'dockerode';
import { connectEngine } from '../../server/docker/engine.ts';
import { checkEngine } from '../../server/docker/readiness.ts';

/**
 * What set-up builds and registers; the server's settings have the same defaults. TEST_SANDBOX_IMAGE puts another image
 * to the same tests.
 */
export const sandboxImage = process.env.TEST_SANDBOX_IMAGE ?? 'tiny-backspace/sandbox:latest';
export const sandboxRuntime = 'runsc-backspace';

/**
 * The Docker engine that tests start real sandboxes on. Whatever is missing fails the test file at once, with the
 * command that mends it: a test that skips itself proves nothing.
 */
export const requireDocker = async (): Promise<Docker> => {
  const docker = connectEngine(process.env.DOCKER_HOST || 'unix:///var/run/docker.sock');
  const checks = await checkEngine(docker, { runtime: sandboxRuntime, image: sandboxImage });
  const missing = checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name} (${detail})`);
  if (missing.length > 0) {
    throw new Error(
      `These tests need sandboxes, and here they lack ${missing.join(', ')}. Run: bash sandbox-image/setup.sh`,
    );
  }
  return docker;
};
