"""What a command may use up, and what it inherits."""
import ctypes
import os
import re
import resource
import threading
from harness import GVISOR, RUNC_ROOT, RUNC_USER, at_each_process, facts, probe, refused, syscall


def raise_limit(limit):
    """By the call itself, since Python has an error of its own for this."""
    wanted = (ctypes.c_uint64 * 2)(1 << 20, 1 << 20)
    return syscall('prlimit64', 0, limit, wanted, 0)


for name, limit in {
    'open files': resource.RLIMIT_NOFILE,
    'processes': resource.RLIMIT_NPROC,
    'core files': resource.RLIMIT_CORE,
}.items():
    refused(f'the limit of {name} is not raised', lambda limit=limit: raise_limit(limit), broken_in=GVISOR)


@probe('no more files are open than allowed', 'EMFILE', broken_in=GVISOR)
def open_files():
    files = [os.open('/dev/null', os.O_RDONLY) for _ in range(facts['openFilesMax'] + 1)]
    return f'{len(files)} are open'


@probe('no more threads run than allowed', broken_in=GVISOR)
def run_threads():
    # For root of a user namespace gVisor 2024-07 knows no such limit; then the container's own holds, which ends the
    # whole sandbox and is not tried here.
    threading.stack_size(64 << 10)
    end = threading.Event()
    started = 0
    try:
        while started <= facts['processesMax']:
            threading.Thread(target=end.wait, daemon=True).start()
            started += 1
    except RuntimeError:
        return None
    finally:
        end.set()
    return f'{started} run'


@probe('a crash leaves no core file', broken_in=RUNC_USER)
def crash():
    os.makedirs('/tmp/crash', exist_ok=True)
    crashing = os.posix_spawn('/bin/sh', ['sh', '-c', 'cd /tmp/crash && kill -ABRT $$'], {})
    _, status = os.waitpid(crashing, 0)
    # Where the kernel hands it to a program, no file tells of it.
    return os.listdir('/tmp/crash') or ('it was written' if os.WCOREDUMP(status) else None)


def outgrow(place, size):
    path = f'{place}/filler'
    chunk = b'x' * (1 << 20)
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        written = 0
        while written <= size:
            written += os.write(file, chunk)
        return f'{written} bytes'
    finally:
        os.unlink(path)


for place in ('/workspace', '/home/backspace', '/tmp', '/dev/shm'):
    attempt = lambda place=place: outgrow(place, facts['sizes'][place])
    refused(f'{place} does not grow beyond its size', attempt, 'ENOSPC', broken_in=GVISOR)


def lock_memory():
    size = 64 << 20
    memory = ctypes.create_string_buffer(size)
    return syscall('mlock', ctypes.addressof(memory), size)


refused('no memory is locked beyond a small limit', lock_memory, 'ENOMEM', 'EPERM', 'EAGAIN', broken_in=GVISOR)

# Not tried: nice and oom_score_adj. gVisor 2024-07 lets everybody set them, and keeps them to itself.
run_in_real_time = lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
refused('nobody runs in real time', run_in_real_time, 'EPERM', 'EINVAL', grants=['sched_setscheduler'])

# Pipes and what the kernel makes; the three ends of a `docker exec`, which gVisor calls host:[n]; places of its own.
own = re.compile(r'(pipe|socket|anon_inode|host):|/dev/(null|u?random)$|/(tmp|workspace|home/backspace|proc)(/|$)')


def foreign_descriptors(process):
    found = []
    for number in os.listdir(f'{process}/fd'):
        try:
            target = os.readlink(f'{process}/fd/{number}')
        except FileNotFoundError:
            continue
        if not own.match(target) or (target.startswith('host:') and int(number) > 2):
            found.append(f'{process} has {target} as {number}')
    return found


@probe('a command inherits no descriptor of something outside', broken_in=[GVISOR, RUNC_ROOT])
def look_at_own_descriptors():
    return foreign_descriptors('/proc/self') or None


@probe('no process has a descriptor of something outside', broken_in=[GVISOR, RUNC_ROOT])
def look_at_descriptors_of_all():
    return at_each_process(foreign_descriptors) or None
