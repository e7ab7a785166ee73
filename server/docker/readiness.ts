import type Docker from 'dockerode';

export type Check = { name: string; ok: boolean; detail: string };

/** Whether sandboxes can be started here: engine, runtime and image, each by name. Never throws. */
export const checkEngine = async (
  docker: Docker,
  { runtime, image }: { runtime: string; image: string },
): Promise<Check[]> => [
  await check('docker', async () => `Docker Engine ${(await docker.version()).Version}`),
  await check('runtime', async () => {
    const { Runtimes = {} } = (await docker.info()) as { Runtimes?: Record<string, unknown> };
    if (!Object.hasOwn(Runtimes, runtime)) {
      throw new Error(`the engine does not list ${runtime}: run sandbox-image/setup-host.sh on its host`);
    }
    return `${runtime} is registered`;
  }),
  await check('sandbox image', async () => {
    const { Id } = await docker.getImage(image).inspect();
    return `${image} is ${Id.slice(0, 19)}`;
  }),
];

const check = async (name: string, look: () => Promise<string>): Promise<Check> => {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
};
