import Docker from 'dockerode';

/** The Docker engine at an address as in DOCKER_HOST: `unix:///var/run/docker.sock`, `tcp://host:2375`. */
export const connectEngine = (dockerHost: string): Docker => {
  const { protocol, pathname, hostname, port } = new URL(dockerHost);
  if (protocol === 'unix:') return new Docker({ socketPath: pathname });
  const secure = protocol === 'https:';
  return new Docker({
    protocol: secure ? 'https' : 'http',
    host: hostname,
    port: Number(port) || (secure ? 2376 : 2375),
  });
};
