"""Who one is, and what one may do to processes that one has not started: the toolbox and the first process."""
import ctypes
import os
import shutil
import subprocess
from harness import (CLONE_NEWUSER, GVISOR, RUNC_ROOT, RUNC_USER, allowed_of, at_each_process,
                     become_root_of_own_namespace, libc, probe, refused, syscall, write_at_once)

both = [GVISOR, RUNC_ROOT]
for name, attempt in {
    'setuid': lambda: os.setuid(0),
    'setreuid': lambda: os.setreuid(0, 0),
    'setresuid': lambda: os.setresuid(0, 0, 0),
    'seteuid': lambda: os.seteuid(0),
    'setgid': lambda: os.setgid(0),
    'setresgid': lambda: os.setresgid(0, 0, 0),
    'setgroups': lambda: os.setgroups([0, 999]),
}.items():
    refused(f'nobody becomes root by {name}', attempt, broken_in=both)


@probe('nobody becomes another for files by setfsuid', 'ENOSYS', broken_in=RUNC_ROOT)
def set_file_user():
    # It tells no error, only who one was.
    another, nobody = 10002, 2**32 - 1
    syscall('setfsuid', another)
    return f'files are those of {another}' if syscall('setfsuid', nobody) == another else None


class Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ('effective', 'permitted', 'inheritable')]


def set_capabilities(inheritable=0):
    SYS_ADMIN, VERSION_3 = 1 << 21, 0x20080522
    header = (ctypes.c_uint32 * 2)(VERSION_3, 0)
    wanted = (Capabilities * 2)(Capabilities(SYS_ADMIN, SYS_ADMIN, inheritable), Capabilities(0, 0, 0))
    return syscall('capset', header, wanted)


def control(option, *arguments):
    if libc.prctl(option, *arguments, *[0] * (4 - len(arguments))) == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return f'prctl {option} was done'


def raise_ambient():
    PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN = 47, 2, 21
    try:
        set_capabilities(inheritable=1 << CAP_SYS_ADMIN)
    except OSError:
        # Asked for all the same.
        pass
    return control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN)


PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_SECUREBITS = 23, 24, 28
refused('no capability is taken by capset', set_capabilities, broken_in=both)
refused('no ambient capability is raised', raise_ambient, 'EPERM', 'EINVAL', broken_in=RUNC_ROOT)
set_secure_bits = lambda: control(PR_SET_SECUREBITS, 1)
refused('the secure bits are not changed', set_secure_bits, 'EPERM', 'EINVAL', broken_in=RUNC_ROOT)
refused('the bounding set is not changed', lambda: control(PR_CAPBSET_DROP, 0), broken_in=both)


@probe('the bounding set leaves no capability to be gained', broken_in=both)
def read_bounding_set():
    capabilities_max = 41
    return [number for number in range(capabilities_max) if libc.prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1] or None


@probe('no identity but its own is mapped into a user namespace', broken_in=RUNC_ROOT)
def map_others():
    syscall('unshare', CLONE_NEWUSER)
    write = lambda line: write_at_once('/proc/self/uid_map', line)
    return allowed_of(['0 0 1', '0 0 65536', '10001 0 1', '0 10001 2'], write, 'EPERM')


@probe('root of a user namespace reads and writes nothing of the true root', broken_in=GVISOR)
def use_own_root():
    become_root_of_own_namespace()
    return allowed_of(['/etc/shadow', '/root', '/etc/gshadow'], lambda path: os.open(path, os.O_RDONLY), 'EACCES')


def own_program(mode):
    """A copy of `id` with the mode: who it runs as is what it prints."""
    program = f'/tmp/id-{os.getpid()}'
    shutil.copy('/usr/bin/id', program)
    os.chmod(program, mode)
    return program


def capability_of_file():
    CAP_SYS_ADMIN_EFFECTIVE = bytes.fromhex('0100000200002000000000000000000000000000')
    return os.setxattr(own_program(0o755), 'security.capability', CAP_SYS_ADMIN_EFFECTIVE)


refused('a file gets no capability', capability_of_file, 'EPERM', 'ENOTSUP', broken_in=RUNC_ROOT)
refused('a file is not given to root', lambda: os.chown(own_program(0o755), 0, 0), broken_in=both)


@probe('a set-user-id copy of a program runs as who copied it', broken_in=both)
def own_set_user_id():
    user = subprocess.run([own_program(0o6755), '-u'], capture_output=True, text=True).stdout.strip()
    return f'as {user}' if user != '10001' else None


def identity_of(process):
    with open(f'/proc/{process}/status') as status:
        return [line.split()[1:] for line in status if line.startswith(('Uid:', 'Gid:'))]


def runs_as_root(command):
    """While it waits for a password, for which it has asked: whether any of its user and group ids is root's."""
    streams = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE, 'stderr': subprocess.STDOUT}
    with subprocess.Popen(command, **streams) as running:
        running.stdout.read(1)
        ids = identity_of(running.pid)
        running.kill()
    return f'{command[0]} ran with {ids}' if any('0' in line for line in ids) else None


for command in (['su', '-c', 'id'], ['passwd'], ['newgrp', 'root'], ['chsh']):
    attempt = lambda command=command: runs_as_root(command)
    probe(f'{command[0]}, which is set-user-id, gives no right', broken_in=RUNC_USER)(attempt)


def others():
    """The toolbox's two halves, the first process and its child: they hold the channel, and the sandbox."""

    def look(process):
        with open(f'{process}/cmdline') as command:
            is_other = process == '/proc/1' or '/opt/backspace/toolbox/' in command.read()
        return [int(os.path.basename(process))] if is_other else []

    found = at_each_process(look)
    if len(found) < 4:
        raise AssertionError(f'not all are there: {found}')
    return found


PTRACE_ATTACH, PTRACE_SEIZE, PTRACE_DETACH = 16, 0x4206, 17


def trace(request):
    def attach(process):
        syscall('ptrace', request, process, 0, 0)
        # One that is seized goes on, and is let go when this process ends.
        if request == PTRACE_ATTACH:
            os.waitpid(process, 0)
            syscall('ptrace', PTRACE_DETACH, process, 0, 0)

    return allowed_of(others(), attach, 'EPERM')


def copy_memory(process):
    """At an address that is hardly mapped: who may not is told so, whatever the address."""
    here = ctypes.create_string_buffer(8)
    local, remote = (ctypes.c_void_p * 2)(ctypes.addressof(here), 8), (ctypes.c_void_p * 2)(4096, 8)
    return syscall('process_vm_readv', process, local, 1, remote, 1, 0, willing=['EFAULT'])


def open_memory(flags):
    return allowed_of(others(), lambda process: os.open(f'/proc/{process}/mem', flags), 'EPERM', 'EACCES')


def take_descriptor(process):
    return syscall('pidfd_getfd', syscall('pidfd_open', process, 0), 0, 0)


for name, attempt in {
    'attached to by ptrace': lambda: trace(PTRACE_ATTACH),
    'seized by ptrace': lambda: trace(PTRACE_SEIZE),
    'read by process_vm_readv': lambda: allowed_of(others(), copy_memory, 'EPERM', 'ENOSYS'),
    'read through /proc/PID/mem': lambda: open_memory(os.O_RDONLY),
    'written through /proc/PID/mem': lambda: open_memory(os.O_RDWR),
    'asked for its descriptors by pidfd_getfd': lambda: allowed_of(others(), take_descriptor, 'EPERM', 'ENOSYS'),
}.items():
    probe(f'neither the toolbox nor the first process is {name}', broken_in=RUNC_ROOT)(attempt)
