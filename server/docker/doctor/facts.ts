import { z } from 'zod';
import type { Sandbox } from '../../domain/sandbox.ts';

const factsSchema = z.object({
  kernel: z.string(),
  gvisor: z.boolean(),
  interfaces: z.array(z.string()),
  routes: z.string(),
  wayOut: z.number(),
  writable: z.array(z.string()),
  capabilities: z.string(),
  uid: z.number(),
  processesMax: z.number(),
  openFilesMax: z.number(),
  workspaceBytes: z.number(),
  dockerSocket: z.boolean(),
});

/** What a program sees that looks around inside the sandbox. */
export type Facts = z.infer<typeof factsSchema>;

export const gatherFacts = async (sandbox: Sandbox, signal: AbortSignal): Promise<Facts> => {
  const request = { command: ['python3', '-c', script], timeoutMs: 30_000, outputBytesMax: 64 << 10 };
  const { output, exitCode } = await sandbox.exec(request, signal);
  if (exitCode !== 0) throw new Error(`The look inside the sandbox failed: ${output.trim().slice(-500)}`);
  return factsSchema.parse(JSON.parse(output));
};

/**
 * Python, since it reaches system calls that a shell does not. `connect` on a UDP socket asks the kernel for a route
 * and sends nothing; 192.0.2.1 is an address for documentation that nobody has (RFC 5737).
 */
const script = `
import errno, json, os, resource, socket, urllib.error, urllib.request
# What gVisor's kernel says of itself, the same in every release that we have seen: pkg/sentry/syscalls/linux/linux64.go in its source.
gvisor = '#1 SMP Sun Jan 10 15:06:54 PST 2016'
def route(family, address):
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as s: s.connect((address, 9))
        return 'there'
    except OSError as e: return 'unreachable' if e.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT) else str(e)
def writable(path):
    try:
        name = os.path.join(path, '.doctor')
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY)); os.unlink(name); return True
    except OSError: return False
def way_out():
    try: return urllib.request.urlopen('http://127.0.0.1:3128/doctor').status
    except urllib.error.HTTPError as e: return e.code
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
routes = {route(socket.AF_INET, '192.0.2.1'), route(socket.AF_INET6, '2001:db8::1')}
files = os.statvfs('/workspace')
print(json.dumps({
    'kernel': os.uname().release,
    'gvisor': os.uname().version == gvisor or 'gvisor' in os.uname().release.lower(),
    'interfaces': sorted(name for _, name in socket.if_nameindex()),
    'routes': 'unreachable' if routes == {'unreachable'} else ', '.join(sorted(routes)),
    'wayOut': way_out(),
    'writable': [p for p in ('/', '/usr', '/opt', '/etc', '/var', '/home', '/root') if writable(p)],
    'capabilities': status['CapEff'].strip(),
    'uid': os.getuid(),
    'processesMax': resource.getrlimit(resource.RLIMIT_NPROC)[0],
    'openFilesMax': resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    'workspaceBytes': files.f_frsize * files.f_blocks,
    'dockerSocket': os.path.exists('/var/run/docker.sock'),
}))
`;
