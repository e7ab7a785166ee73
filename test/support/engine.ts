import type Docker from 'dockerode';
import { requireDocker } from './docker.ts';

/** The real engine, whose containers do some things otherwise: what they do is made from the real one. */
export const engineWith = async (
  otherwise: (container: Docker.Container) => Partial<Record<'start' | 'remove', () => Promise<void>>>,
): Promise<Docker> => {
  const docker = await requireDocker();
  return Object.assign(Object.create(docker) as Docker, {
    createContainer: async (options: Docker.ContainerCreateOptions) => {
      const container = await docker.createContainer(options);
      return Object.assign(Object.create(container), otherwise(container));
    },
  });
};
