import type { Socket } from 'node:net';
import type Docker from 'dockerode';
import { requireDocker } from '../docker.ts';

/** What makes a container less than sealed: by it a test shows that it would notice. */
export type Weakness = {
  container?: (spec: Docker.ContainerCreateOptions) => Docker.ContainerCreateOptions;
  exec?: Docker.ExecCreateOptions;
};

/** The real engine, but each container and exec is made with the weakness; `sockets` gets the connections of the execs. */
export const weakenedDocker = async (
  { container = (spec) => spec, exec = {} }: Weakness,
  sockets: Socket[] = [],
): Promise<Docker> => {
  const docker = await requireDocker();
  return like(docker, {
    createContainer: async (spec: Docker.ContainerCreateOptions) => {
      const made = await docker.createContainer(container(spec));
      return like(made, {
        exec: async (options: Docker.ExecCreateOptions) => {
          const started = await made.exec({ ...options, ...exec });
          return like(started, {
            start: async (how: Docker.ExecStartOptions) => {
              const socket = await started.start(how);
              sockets.push(socket as unknown as Socket);
              return socket;
            },
          });
        },
      });
    },
  });
};

const like = <T extends object>(thing: T, changed: object): T =>
  Object.assign(Object.create(thing) as T, changed);
