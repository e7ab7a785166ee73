import { containerSpec } from '../../../server/docker/container-spec.ts';
import type { SandboxBounds } from '../../../server/socket-proxy/container-check.ts';
import { sandboxImage, sandboxRuntime } from '../docker.ts';
import { sandboxLimits } from '../sandboxes.ts';

/** Exactly what the tests' sandboxes ask for: one byte more is too much. */
export const bounds: SandboxBounds = {
  images: [sandboxImage],
  runtime: sandboxRuntime,
  memoryBytesMax: sandboxLimits.memoryBytes,
  cpusMax: sandboxLimits.cpus,
  pidsMax: sandboxLimits.pidsMax,
  processesMax: sandboxLimits.processesMax,
  openFilesMax: sandboxLimits.openFilesMax,
  workspaceBytesMax: sandboxLimits.workspaceBytes,
  homeBytesMax: sandboxLimits.homeBytes,
  tmpBytesMax: sandboxLimits.tmpBytes,
  orphanSecondsMax: sandboxLimits.orphanSeconds,
};

/** What the server sends to have a sandbox made: the production code's own words. */
export const sandboxBody = () =>
  containerSpec({
    image: sandboxImage,
    runtime: sandboxRuntime,
    serverId: 'test-server',
    processId: 'process',
    jobId: 'test-job',
    expires: 1_800_000_000,
    limits: sandboxLimits,
  });

/** What the server sends to have one half of the channel started. */
export const execBody = (file: 'calls.js' | 'way-out.js' = 'calls.js') => ({
  Cmd: ['node', '--disable-sigusr1', `/opt/backspace/toolbox/${file}`],
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: false,
  Tty: false,
});
