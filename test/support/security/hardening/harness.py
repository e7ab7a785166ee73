"""
What the probes have in common. A probe is an attempt with a name that says what must hold. It is tried in a process
of its own; what was seen is told as it was, and judged outside: see ../hardening.ts.

Each names the weak variants in which it must be seen broken, and in a weak variant no others are tried. So what could
do harm is kept from every weak kernel by its registration: it names PRETENDED alone, where the call is never made.
"""
import ctypes
import errno
import json
import os
import signal
import struct
import subprocess
from collections import namedtuple

# The weak variants: root with every right in a gVisor sandbox; root and an ordinary user on the host's own kernel;
# and a kernel that says yes to a call and does nothing.
GVISOR, RUNC_ROOT, RUNC_USER, PRETENDED = 'gvisor', 'runc-root', 'runc-user', 'pretended'

Probe = namedtuple('Probe', 'area name attempt refusals broken_in grants')
probes = []
# What the test knows, and the probes look for: see Facts in ../hardening.ts.
facts = {}


def probe(name, *refusals, broken_in=(), grants=()):
    """
    The attempt gives back what it gained, or None when it came to nothing, or fails with one of the refusals. `grants`
    are the calls to which the pretended kernel says yes.
    """

    def register(attempt):
        weak = [broken_in] if isinstance(broken_in, str) else [*broken_in]
        variants = [*weak, PRETENDED] if grants else weak
        probes.append(Probe(attempt.__module__, name, attempt, refusals or ('EPERM', 'EACCES'), variants, grants))
        return attempt

    return register


def refused(name, attempt, *refusals, **tags):
    """For an attempt that must fail: that it did not is what it gained."""
    attempt_of = lambda: f'it was allowed: {attempt()!r}'
    attempt_of.__module__ = attempt.__module__
    probe(name, *refusals, **tags)(attempt_of)


def allowed_of(things, attempt, *refusals):
    """Those of the things with which the attempt was allowed; None when it was with none."""
    allowed = []
    for thing in things:
        try:
            attempt(thing)
            allowed.append(thing)
        except OSError as error:
            if name_of(error) not in refusals:
                raise OSError(error.errno, f'{thing}: {error.strerror}') from error
    return f'allowed with {allowed}' if allowed else None


def at_each_process(look):
    """All that the look finds at the processes' places in /proc. One that has ended meanwhile has nothing."""
    found = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            found += look(f'/proc/{name}')
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def syscall(name, *arguments, willing=()):
    """
    A system call by its name. One that fails with an error of `willing` got past the question who may: it is asked
    so that it can do nothing. What this machine's architecture does not know is refused by it.
    """
    if name not in numbers():
        raise OSError(errno.ENOSYS, name)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(numbers()[name]), *words)
    if result != -1:
        return result
    error = OSError(ctypes.get_errno(), name)
    if name_of(error) not in willing:
        raise error
    return f'past every permission, to {name_of(error)}'


libc = ctypes.CDLL(None, use_errno=True)
known_numbers = {}


def numbers():
    """From the headers, so that they are right on every architecture."""
    if not known_numbers:
        command = ['gcc', '-E', '-dM', '-include', 'sys/syscall.h', '-xc', '/dev/null']
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.split()
            if len(words) == 3 and words[1].startswith('__NR_') and words[2].isdigit():
                known_numbers[words[1].removeprefix('__NR_')] = int(words[2])
    return known_numbers


def name_of(error):
    return errno.errorcode.get(error.errno, str(error.errno))


CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWUTS = 0x40000000, 0x20000000, 0x08000000, 0x04000000


def become_root_of_own_namespace(*others):
    """Root with every capability in a user namespace of its own: gVisor allows it to everyone, Linux often does."""
    uid, gid = os.getuid(), os.getgid()
    syscall('unshare', CLONE_NEWUSER)
    for file, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {gid} 1')):
        try:
            write_at_once(f'/proc/self/{file}', text)
        except OSError:
            # gVisor knows no setgroups file.
            if file != 'setgroups':
                raise
    for flag in others:
        syscall('unshare', flag)


def write_at_once(path, text):
    file = os.open(path, os.O_WRONLY)
    try:
        return os.write(file, text.encode())
    finally:
        os.close(file)


def pretend(granted):
    """From here on the named calls succeed without being made: a filter answers them with error 0."""
    BPF_LOAD, BPF_JUMP_EQUAL, BPF_RETURN, ALLOW, ERROR_0 = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
    ours = [numbers()[name] for name in granted if name in numbers()]
    filters = [(BPF_LOAD, 0, 0, 0)]
    for number in ours:
        filters += [(BPF_JUMP_EQUAL, 0, 1, number), (BPF_RETURN, 0, 0, ERROR_0)]
    filters.append((BPF_RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *line) for line in filters))
    program = struct.pack('HxxxxxxP', len(filters), ctypes.addressof(code))
    PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'no filter')


def run(variant):
    """Tries the variant's probes, or in a sandbox as it must be all, and tells in a line for each what was seen."""
    if variant == 'sandbox' and os.getuid() == 0:
        raise SystemExit('Not all probes may be tried as root.')
    for one in probes:
        if variant == 'sandbox' or variant in one.broken_in:
            about = {'area': one.area, 'name': one.name, 'refusals': one.refusals}
            print(json.dumps({**about, 'seen': apart(one, variant)}), flush=True)


seconds_max = 20


def apart(one, variant):
    """In a process of its own, since attempts change what they are tried on: their identity, their namespaces."""
    numbers()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(seconds_max)
        os.write(writer, json.dumps(see(one, variant)).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return json.loads(told or '{"problem": "it ended without a word"}')


def see(one, variant):
    try:
        if variant == PRETENDED:
            pretend(one.grants)
        elif variant != 'sandbox' and os.getuid() == 0:
            # There mounts succeed, and must not be in the way of the next probe.
            syscall('unshare', CLONE_NEWNS)
        gained = one.attempt()
        return {'gained': None if gained is None else str(gained)[:500]}
    except OSError as error:
        return {'refused': name_of(error), 'where': str(error)}
    except BaseException as problem:
        return {'problem': repr(problem)}
