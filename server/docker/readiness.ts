import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { SandboxImage } from '../domain/sandbox-image.ts';

export type Check = { name: string; ok: boolean; detail: string };

type EngineNeeds = {
  runtime: string;
  /** The default one, and the others that jobs may choose. */
  image: string;
  images?: readonly SandboxImage[];
  withoutGVisor?: boolean;
};

/** Whether sandboxes can be started here: engine, runtime and images, each by name. Never throws, never waits long. */
export const checkEngine = (
  docker: Docker,
  { runtime, image, images = [], withoutGVisor = false }: EngineNeeds,
): Promise<Check[]> =>
  Promise.all([
    check('docker', async () => `Docker Engine ${(await docker.version()).Version}`),
    check('runtime', async () => {
      const { Runtimes = {} } = (await docker.info()) as { Runtimes?: Record<string, Runtime> };
      const registered = Object.hasOwn(Runtimes, runtime) ? Runtimes[runtime] : undefined;
      if (!registered) {
        throw new Error(`the engine does not list ${runtime}: run sandbox-image/setup-host.sh on its host`);
      }
      const { path = '', runtimeArgs = [] } = registered;
      // gVisor alone has this argument; any other runtime gets by with the container's own setting.
      if (!withoutGVisor && !runtimeArgs.includes('--network=none')) {
        throw new Error(
          `${runtime} is registered without --network=none: run sandbox-image/setup-host.sh on its host`,
        );
      }
      return `${runtime} is ${[path, ...runtimeArgs].join(' ')}`;
    }),
    check('sandbox image', () => described(docker, image)),
    ...images.map(({ name, reference }) => check(`image ${name}`, () => described(docker, reference))),
  ]);

const described = async (docker: Docker, image: string): Promise<string> =>
  `${image} is ${(await imageId(docker, image)).slice(0, 19)}`;

/** What the name stands for now. Throws when the engine has no such image. */
export const imageId = async (docker: Docker, image: string): Promise<string> =>
  (await docker.getImage(image).inspect()).Id;

type Runtime = { path?: string; runtimeArgs?: string[] };

const answerMs = 5000;

const check = async (name: string, look: () => Promise<string>): Promise<Check> => {
  try {
    const silence = sleep(answerMs, undefined, { ref: false }).then(() => {
      throw new Error(`Docker did not answer within ${answerMs / 1000} s`);
    });
    return { name, ok: true, detail: await Promise.race([look(), silence]) };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
};
