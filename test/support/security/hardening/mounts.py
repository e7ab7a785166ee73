"""What is mounted, roots of another kind, and namespaces; outside of a user namespace of one's own, and inside."""
import ctypes
import os
from harness import (CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUTS, GVISOR, RUNC_ROOT,
                     allowed_of, become_root_of_own_namespace, probe, refused, syscall)

MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20, 0x1000, 0x2000, 0x4000, 0x40000, 2
AT_FDCWD, OPEN_TREE_CLONE = -100, 1
both = [GVISOR, RUNC_ROOT]
place = '/tmp/place'


def mount(source, target, kind='', flags=0, data=''):
    os.makedirs(place, exist_ok=True)
    return syscall('mount', source.encode(), target.encode(), kind.encode(), flags, data.encode())


def overlay():
    """Of a tmpfs, since the work directory cannot lie in another overlay."""
    parts = {name: f'/tmp/overlay/{name}' for name in ('upper', 'work')}
    for part in parts.values():
        os.makedirs(part, exist_ok=True)
    return mount('none', place, 'overlay', 0, f'lowerdir=/etc,upperdir={parts["upper"]},workdir={parts["work"]}')


mounts = {
    'a tmpfs': (lambda: mount('none', place, 'tmpfs'), both),
    'another /proc': (lambda: mount('none', place, 'proc'), both),
    'another /sys': (lambda: mount('none', place, 'sysfs'), both),
    'another /dev': (lambda: mount('none', place, 'devtmpfs'), GVISOR),
    'terminals': (lambda: mount('none', place, 'devpts'), GVISOR),
    'message queues': (lambda: mount('none', place, 'mqueue'), GVISOR),
    'an overlay upon /etc': (overlay, RUNC_ROOT),
    '/etc in another place': (lambda: mount('/etc', place, flags=MS_BIND), both),
    'the whole tree in another place': (lambda: mount('/', place, flags=MS_BIND | MS_REC), both),
    'the root again, to be written': (lambda: mount('none', '/', flags=MS_REMOUNT), GVISOR),
    'the root again by its bind, to be written': (lambda: mount('none', '/', flags=MS_REMOUNT | MS_BIND), both),
    '/dev/shm elsewhere': (lambda: mount('/dev/shm', place, flags=MS_MOVE), RUNC_ROOT),
    'anything with another propagation': (lambda: mount('none', '/', flags=MS_REC | MS_PRIVATE), both),
}
for name, (attempt, broken_in) in mounts.items():
    refused(f'nobody mounts {name}', attempt, broken_in=broken_in)

for path in ('/proc', '/etc/hosts', '/dev/shm', '/workspace'):
    unmount = lambda path=path: syscall('umount2', path.encode(), MNT_DETACH)
    refused(f'{path} is not unmounted', unmount, broken_in=both)


def move_mount():
    tree = syscall('open_tree', AT_FDCWD, b'/etc', OPEN_TREE_CLONE)
    os.makedirs(place, exist_ok=True)
    return syscall('move_mount', tree, b'', AT_FDCWD, place.encode(), 4)


def set_attributes():
    MOUNT_ATTR_RDONLY = 1
    attributes = (ctypes.c_uint64 * 4)(0, MOUNT_ATTR_RDONLY, 0, 0)
    return syscall('mount_setattr', AT_FDCWD, b'/', 0, attributes, 32)


for name, attempt in {
    'a new file system is not opened': lambda: syscall('fsopen', b'tmpfs', 0),
    'what is mounted is not picked for a change': lambda: syscall('fspick', AT_FDCWD, b'/', 0),
    'a tree is not cloned and attached': move_mount,
    'the root’s attributes are not changed': set_attributes,
}.items():
    refused(f'by the newer calls, {name}', attempt, 'EPERM', 'ENOSYS', broken_in=RUNC_ROOT)


def pivot():
    os.makedirs(place, exist_ok=True)
    return syscall('pivot_root', b'/tmp', place.encode())


refused('the root is not exchanged by pivot_root', pivot, broken_in=both)
refused('the root is not changed by chroot', lambda: os.chroot('/tmp'), broken_in=both)

for name, flag in {
    'mount': CLONE_NEWNS,
    'network': CLONE_NEWNET,
    'process': CLONE_NEWPID,
    'IPC': CLONE_NEWIPC,
    'UTS': CLONE_NEWUTS,
}.items():
    unshare = lambda flag=flag: syscall('unshare', flag)
    refused(f'a {name} namespace without a user namespace is not unshared', unshare, broken_in=both)


def enter(kind):
    return syscall('setns', os.open(f'/proc/1/ns/{kind}', os.O_RDONLY), 0)


@probe('namespaces of the first process are not entered', broken_in=both)
def enter_first():
    return allowed_of(['mnt', 'net', 'ipc', 'uts'], enter, 'EPERM', 'EACCES')


@probe('namespaces of the first process are not entered from a user namespace', grants=['setns'])
def enter_first_as_root():
    become_root_of_own_namespace()
    return allowed_of(['mnt', 'net', 'ipc', 'uts'], enter, 'EPERM', 'EACCES')


def write_world_writable(root=''):
    """A place of the image that everybody may write, as far as the mode says."""
    with open(f'{root}/var/tmp/written', 'w') as file:
        return file.write('evil')


# gVisor 2024-07 lets root of a user namespace mount in a mount namespace of its own, and even remount what came
# read-only. What counts is that the image stays as it is: the host's side refuses, where it is read-only as well.
@probe('a root mounted again in a namespace of one’s own stays read-only', 'EROFS', 'EPERM', broken_in=GVISOR)
def write_remounted_root():
    become_root_of_own_namespace(CLONE_NEWNS)
    mount('none', '/', flags=MS_REMOUNT)
    return write_world_writable()


@probe('a root bound again in a namespace of one’s own stays read-only', 'EROFS', 'EPERM', broken_in=GVISOR)
def write_bound_root():
    become_root_of_own_namespace(CLONE_NEWNS)
    mount('none', '/', flags=MS_REMOUNT | MS_BIND)
    return write_world_writable()


@probe('a copy of the tree in a namespace of one’s own stays read-only', 'EROFS', 'EPERM', broken_in=GVISOR)
def write_copied_root():
    become_root_of_own_namespace(CLONE_NEWNS)
    mount('/', place, flags=MS_BIND | MS_REC)
    try:
        mount('none', place, flags=MS_REMOUNT | MS_BIND)
    except OSError:
        # Then it is still as it was bound.
        pass
    return write_world_writable(place)
