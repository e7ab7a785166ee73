"""Device nodes, and every way to write outside of the sandbox's own places: image, /proc, /sys, control groups."""
import os
import stat
from harness import (CLONE_NEWNS, GVISOR, RUNC_ROOT, allowed_of, become_root_of_own_namespace, probe, refused,
                     syscall)

# What a sandbox's /dev has: no disk, no memory, no kernel interface. The last two, for FUSE and tunnels, are gVisor's
# own; to mount the one and to open the other is refused.
harmless = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (10, 229), (10, 200)}


@probe('/dev has no node of a disk, of memory or of a kernel interface', broken_in=RUNC_ROOT)
def find_nodes():
    found = []
    for directory, _, names in os.walk('/dev'):
        for name in names:
            about = os.lstat(f'{directory}/{name}')
            is_harmless = (os.major(about.st_rdev), os.minor(about.st_rdev)) in harmless or directory == '/dev/pts'
            if stat.S_ISBLK(about.st_mode) or (stat.S_ISCHR(about.st_mode) and not is_harmless):
                found.append(f'{directory}/{name}')
    return found or None


# Kind, major and minor number: Documentation/admin-guide/devices.txt of the Linux source.
block, character = stat.S_IFBLK, stat.S_IFCHR
devices = {
    'disks': [(block, major, 0) for major in (7, 8, 11, 179, 202, 253, 254, 259)],
    'memory and ports': [(character, 1, minor) for minor in (1, 2, 4)],
    'kernel interfaces': [(character, 1, 11), *((character, 10, minor) for minor in (183, 232, 236, 237, 238, 241))],
    'terminals of the host': [(character, 4, 0), (character, 4, 1), (character, 4, 64), (character, 5, 1)],
}


def open_made_node(device):
    kind, major, minor = device
    node = f'/tmp/node-{os.getpid()}'
    os.mknod(node, 0o600 | kind, os.makedev(major, minor))
    try:
        return os.open(node, os.O_RDONLY | os.O_NONBLOCK)
    finally:
        os.unlink(node)


def open_made_nodes(numbers):
    """gVisor 2024-07 lets everybody make nodes, upon `nodev` too: what counts is that nothing is behind them."""
    refusals = ('EPERM', 'EACCES', 'ENXIO', 'ENODEV')
    opened = allowed_of(numbers, open_made_node, *refusals)
    if opened:
        return opened
    become_root_of_own_namespace()
    return allowed_of(numbers, open_made_node, *refusals)


for name, numbers in devices.items():
    # Of the host's devices a weak variant gets one to read, the kernel's log; for the others the kernel is pretended.
    broken_in = [RUNC_ROOT] if name == 'kernel interfaces' else []
    grants = ['mknod', 'mknodat', 'open', 'openat', 'unlink', 'unlinkat']
    attempt = lambda numbers=numbers: open_made_nodes(numbers)
    probe(f'nodes made for {name} have nothing behind them', broken_in=broken_in, grants=grants)(attempt)

places = ['/', '/etc', '/usr', '/usr/bin', '/usr/lib', '/usr/local/bin', '/opt', '/opt/backspace', '/root', '/home']
toolbox = [f'/opt/backspace/toolbox/{name}' for name in ('calls.js', 'way-out.js', 'first-process.pl')]
files = ['/etc/passwd', '/etc/shadow', '/usr/bin/git', '/usr/local/bin/node', *toolbox]
# For everybody, as far as their mode says.
open_to_all = ['/var/tmp', '/run/lock']
# What a weak variant can lose without being of no use to the next probe.
spare = '/opt/backspace/source'


def append_to(file):
    return os.close(os.open(file, os.O_WRONLY | os.O_APPEND))


def create_in(directory):
    return os.close(os.open(f'{directory}/written', os.O_CREAT | os.O_WRONLY))


def reopen(path):
    """What was opened to be read, opened again by its descriptor to be written."""
    return os.open(f'/proc/self/fd/{os.open(path, os.O_RDONLY)}', os.O_WRONLY)


ways = {
    'no file of the image is opened to be written': (append_to, files),
    'no file of the image is opened again to be written': (reopen, ['/etc/passwd', '/usr/bin/git', *toolbox]),
    'no file of the image is written by way of /proc': (lambda file: append_to(f'/proc/self/root{file}'), files),
    'no file is made in the image': (create_in, [*places, *open_to_all, '/run', '/var/log', '/srv', '/mnt']),
    'no directory is made in the image': (lambda place: os.mkdir(f'{place}/made'), [*places, *open_to_all]),
    'no link is made in the image': (lambda place: os.symlink('/tmp', f'{place}/made-link'), [*places, *open_to_all]),
    'nothing of the image is renamed': (lambda file: os.rename(file, f'{file}.old'), [f'{spare}/calls.ts']),
    'nothing of the image is removed': (os.unlink, [f'{spare}/bash.ts', '/.dockerenv']),
    'no mode in the image is changed': (lambda file: os.chmod(file, 0o777), [*places, *toolbox]),
    'no owner in the image is changed': (lambda file: os.chown(file, os.getuid(), os.getgid()), [*places, *toolbox]),
    'no time in the image is changed': (os.utime, [*places, *toolbox]),
    'the linker preloads nothing': (lambda file: os.open(file, os.O_CREAT | os.O_WRONLY), ['/etc/ld.so.preload']),
    'Docker’s small files are not written': (append_to, ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf']),
    '/dev gets no file': (create_in, ['/dev', '/dev/pts', '/dev/net']),
}
read_only = ('EROFS', 'EACCES', 'EPERM')
for name, (attempt, those) in ways.items():
    tried = lambda attempt=attempt, those=those: allowed_of(those, attempt, *read_only, 'ENOENT')
    probe(name, broken_in=GVISOR)(tried)


def files_below(root):
    return [f'{directory}/{name}' for directory, _, names in os.walk(root) for name in names]


def open_to_write(path):
    """And written nothing: where it is allowed nothing shall change."""
    return os.close(os.open(path, os.O_WRONLY))


for name, root in {
    'no setting of the kernel can be written': '/proc/sys',
    'nothing in /sys can be written': '/sys',
    'no control group can be written': '/sys/fs/cgroup',
}.items():
    attempt = lambda root=root: allowed_of(files_below(root), open_to_write, *read_only, 'ENOENT')
    probe(name, broken_in=GVISOR)(attempt)

refused('the sysrq trigger cannot be opened', lambda: open_to_write('/proc/sysrq-trigger'), broken_in=GVISOR)


@probe('no control group is made', broken_in=GVISOR)
def make_groups():
    groups = [f'/sys/fs/cgroup/{name}' for name in ['.', *os.listdir('/sys/fs/cgroup')]]
    return allowed_of(groups, lambda group: os.mkdir(f'{group}/made'), *read_only, 'ENOENT', 'ENOTDIR')


@probe('the sandbox’s control group, mounted anew, keeps its limits', 'EPERM', 'EBUSY', broken_in=GVISOR)
def write_group_of_own_namespace():
    # gVisor lets root of a user namespace mount them, and write at their top, where nothing is limited. They are of
    # its own kernel; the limits that hold are the host's, of which nothing is seen in here.
    become_root_of_own_namespace(CLONE_NEWNS)
    os.makedirs('/tmp/group', exist_ok=True)
    syscall('mount', b'none', b'/tmp/group', b'cgroup', 0, b'memory')
    groups = [f'/tmp/group/{name}' for name in os.listdir('/tmp/group') if os.path.isdir(f'/tmp/group/{name}')]
    return allowed_of(sum(map(files_below, groups), []), open_to_write, *read_only)
