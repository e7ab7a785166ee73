import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const outputBytesMax = 64 << 20;

/** What Docker's client needs of the environment to find its engine and its plugins, and no setting of the server. */
const ofTheClient = ['PATH', 'HOME', 'DOCKER_HOST', 'DOCKER_CONFIG', 'DOCKER_CONTEXT', 'DOCKER_BUILDKIT'];

/** Runs `docker` and gives back its stdout; what it said goes into the error when it fails. */
export const runDocker = async (
  args: string[],
  { environment = {}, timeoutMs }: { environment?: Record<string, string>; timeoutMs: number },
): Promise<string> => {
  const inherited = ofTheClient.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []));
  try {
    const { stdout } = await execute('docker', args, {
      cwd: import.meta.dirname,
      env: { ...Object.fromEntries(inherited), ...environment },
      timeout: timeoutMs,
      maxBuffer: outputBytesMax,
    });
    return stdout.trim();
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`docker ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? error}`, { cause: error });
  }
};
