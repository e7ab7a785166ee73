import { z } from 'zod';
import type { Sandbox } from '../../domain/sandbox.ts';

const bytes = z.number().nonnegative();

const factsSchema = z.object({
  kernel: z.string().max(200),
  interfaces: z.array(z.string().max(100)).max(100),
  routes: z.string().max(1000),
  wayOut: z.number(),
  tunnels: z.record(z.string(), z.number()),
  writable: z.array(z.string()),
  capabilities: z.string().max(100),
  noNewPrivileges: z.boolean(),
  uid: z.number(),
  secrets: z.array(z.string().max(200)),
  memoryBytes: bytes,
  processesMax: z.number(),
  openFilesMax: z.number(),
  coreBytesMax: z.number(),
  placesBytes: z.record(z.string(), bytes),
  dockerSocket: z.boolean(),
});

/** What a program sees that looks around inside the sandbox. */
export type Facts = z.infer<typeof factsSchema>;

/** `targets` are asked for as tunnels, `host:port` each; what the way out answers is their status. */
export const gatherFacts = async (
  sandbox: Pick<Sandbox, 'exec'>,
  targets: readonly string[],
  signal: AbortSignal,
): Promise<Facts> => {
  const command = ['python3', '-I', '-S', '-c', script, ...targets];
  const request = { command, timeoutMs: 60_000, outputBytesMax: 64 << 10 };
  const { output, exitCode } = await sandbox.exec(request, signal);
  if (exitCode !== 0) throw new Error(`The look inside the sandbox failed: ${output.trim().slice(-500)}`);
  return factsSchema.parse(JSON.parse(output));
};

/**
 * Python, since it reaches system calls that a shell does not. `connect` on a UDP socket asks the kernel for a route
 * and sends nothing; 192.0.2.1 is an address for documentation that nobody has (RFC 5737). Everything else goes to the
 * sandbox's own loopback. 39 is PR_GET_NO_NEW_PRIVS, which gVisor does not show in /proc.
 */
const script = `
import ctypes, errno, json, os, resource, socket, sys
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
def ask(line):
    with socket.create_connection(('127.0.0.1', 3128), 10) as s:
        s.settimeout(10)
        s.sendall((line + ' HTTP/1.1\\r\\nHost: doctor\\r\\nConnection: close\\r\\n\\r\\n').encode())
        answer = b''
        while b'\\r\\n' not in answer:
            piece = s.recv(4096)
            if not piece: break
            answer += piece
        return int((answer.split(b' ') + [b'0', b'0'])[1])
def size(path):
    files = os.statvfs(path)
    return files.f_frsize * files.f_blocks
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
memory = dict(line.split(':', 1) for line in open('/proc/meminfo') if ':' in line)
routes = {route(socket.AF_INET, '192.0.2.1'), route(socket.AF_INET6, '2001:db8::1')}
print(json.dumps({
    'kernel': os.uname().release,
    'interfaces': sorted(name for _, name in socket.if_nameindex()),
    'routes': 'unreachable' if routes == {'unreachable'} else ', '.join(sorted(routes)),
    'wayOut': ask('GET /doctor'),
    'tunnels': {target: ask('CONNECT ' + target) for target in sys.argv[1:]},
    'writable': [p for p in ('/', '/usr', '/opt', '/etc', '/var', '/home', '/root') if writable(p)],
    'capabilities': status['CapEff'].strip(),
    'noNewPrivileges': ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) == 1,
    'uid': os.getuid(),
    'secrets': [n for n in os.environ if any(w in n.upper() for w in ('TOKEN', 'SECRET', 'PASSWORD', 'API_KEY', 'CREDENTIAL'))],
    'memoryBytes': int(memory['MemTotal'].split()[0]) * 1024,
    'processesMax': resource.getrlimit(resource.RLIMIT_NPROC)[0],
    'openFilesMax': resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    'coreBytesMax': resource.getrlimit(resource.RLIMIT_CORE)[1],
    'placesBytes': {p: size(p) for p in ('/workspace', '/home/backspace', '/tmp')},
    'dockerSocket': os.path.exists('/var/run/docker.sock') or os.path.exists('/run/docker.sock'),
}))
`;
