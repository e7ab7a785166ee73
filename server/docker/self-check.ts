import { AppError } from '../domain/errors.ts';
import type { Sandbox } from '../domain/sandbox.ts';

/** Each line that comes back is something that must not be. */
const script = `
[ "$(id -u)" -ge 1000 ] || echo "it runs as root"
grep -qE '^CapEff:[[:space:]]*0+$' /proc/self/status || echo "it has capabilities"
for d in / /usr /etc /opt; do [ ! -w "$d" ] || echo "$d is writable"; done
tail -n +3 /proc/net/dev | grep -vE '^ *lo:' | sed 's/:.*/ is a network interface/'
[ -z "$(ls -A /workspace)" ] || echo "/workspace is not empty"
`;

/** A look from inside before a sandbox is let into the pool. Throws `sandbox_unavailable` with what it saw. */
export const selfCheck = async (sandbox: Sandbox, signal: AbortSignal): Promise<void> => {
  const request = { command: ['bash', '-c', script], timeoutMs: 20_000, outputBytesMax: 4096 };
  const { output, timedOut } = await sandbox.exec(request, signal);
  const seen = output.trim();
  if (seen === '' && !timedOut) return;
  throw new AppError('sandbox_unavailable', `A sandbox is not sealed: ${seen || 'it does not answer'}.`);
};
