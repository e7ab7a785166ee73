"""Calls to the kernel that no job needs. Those that could harm a machine are made in a sandbox alone: the kernel that
allows them is pretended."""
import ctypes
import os
import socket
import struct
import time
from harness import RUNC_ROOT, numbers, probe, refused, syscall

AT_FDCWD, KEY_SPEC_PROCESS_KEYRING = -100, -2


def make_bpf_map():
    BPF_MAP_CREATE, ARRAY = 0, 2
    attributes = ctypes.create_string_buffer(struct.pack('IIII', ARRAY, 4, 4, 1), 72)
    return syscall('bpf', BPF_MAP_CREATE, attributes, 72)


def count_events():
    SOFTWARE_CPU_CLOCK = struct.pack('IIQ', 1, 112, 0)
    return syscall('perf_event_open', ctypes.create_string_buffer(SOFTWARE_CPU_CLOCK, 112), 0, -1, -1, 0)


def add_key():
    return syscall('add_key', b'user', b'probe', b'value', 5, KEY_SPEC_PROCESS_KEYRING)


def request_key():
    return syscall('request_key', b'user', b'probe', 0, KEY_SPEC_PROCESS_KEYRING, willing=['ENOKEY'])


def open_by_handle():
    """Reaches files by number, in whichever directory: the classic way out of a container."""
    handle = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136)
    try:
        syscall('name_to_handle_at', AT_FDCWD, b'/tmp', handle, ctypes.byref(ctypes.c_int()), 0)
    except OSError:
        # Then with a handle of nothing: who may not is told so all the same.
        pass
    return syscall('open_by_handle_at', os.open('/tmp', os.O_RDONLY), handle, os.O_RDONLY)


def read_kernel_log():
    """gVisor tells a log of its own, with jokes in it."""
    SYSLOG_ACTION_READ_ALL = 3
    log = ctypes.create_string_buffer(1 << 16)
    syscall('syslog', SYSLOG_ACTION_READ_ALL, log, len(log))
    return None if b'gVisor' in log.value else log.value[:200]


ADDR_NO_RANDOMIZE = 0x0040000
for name, (attempt, *refusals) in {
    'no BPF map is made': (make_bpf_map, 'EPERM'),
    'no performance event is counted': (count_events, 'EPERM', 'ENODEV'),
    'no key is added to the kernel': (add_key, 'EPERM', 'EACCES'),
    'no key is asked of the kernel': (request_key, 'EPERM', 'EACCES'),
    'no file is opened by its handle': (open_by_handle, 'EPERM', 'ENOTSUP'),
    'not all files of a mount are watched': (lambda: syscall('fanotify_init', 0, 0), 'EPERM'),
    'the host name is not set': (lambda: socket.sethostname(socket.gethostname()), 'EPERM'),
    'the domain name is not set': (lambda: syscall('setdomainname', b'probe', 5), 'EPERM'),
    'no other personality is taken': (lambda: syscall('personality', ADDR_NO_RANDOMIZE), 'EINVAL', 'EPERM'),
}.items():
    refused(name, attempt, 'ENOSYS', *refusals, broken_in=RUNC_ROOT)
probe('the host’s kernel log is not told', 'EPERM', broken_in=RUNC_ROOT)(read_kernel_log)

# Whether a host's kernel allows them depends on how it was built and set up.
depending = {
    'io_uring_setup': (1, ctypes.create_string_buffer(120)),
    'userfaultfd': (os.O_CLOEXEC,),
    'kcmp': (os.getpid(), os.getpid(), 0, 0, 0),
    'ioperm': (0x80, 1, 1),
    'iopl': (3,),
    'modify_ldt': (1, struct.pack('IIII', 0, 0, 0xFFFFF, 0x51), 16),
}
# With arguments of little effect: the time that it is, no module, no device, Ctrl-Alt-Del off.
now = struct.pack('qq', int(time.time()), 0)
ADJ_OFFSET, SYSLOG_ACTION_CONSOLE_OFF, Q_SYNC = struct.pack('I', 1), 6, 0x800001 << 8
harmful = {
    'reboot': (0xFEE1DEAD, 672274793, 0, 0),
    'kexec_load': (0, 0, 0, 0),
    'kexec_file_load': (-1, -1, 0, b'', 0),
    'init_module': (b'', 0, b''),
    'finit_module': (-1, b'', 0),
    'delete_module': (b'probe', 0),
    'swapon': (b'/tmp/swap', 0),
    'swapoff': (b'/tmp/swap',),
    'settimeofday': (now, 0),
    'clock_settime': (time.CLOCK_REALTIME, now),
    'clock_adjtime': (time.CLOCK_REALTIME, ctypes.create_string_buffer(ADJ_OFFSET, 208)),
    'acct': (b'/tmp/accounts',),
    'quotactl': (Q_SYNC, b'/dev/vda', 0, b''),
    'vhangup': (),
    'nfsservctl': (0, 0, 0),
    'syslog': (SYSLOG_ACTION_CONSOLE_OFF, 0, 0),
}
for call, arguments in {**depending, **harmful}.items():
    # Some are of one architecture only.
    if call in numbers():
        attempt = lambda call=call, arguments=arguments: syscall(call, *arguments)
        refused(f'{call} is refused', attempt, 'EPERM', 'ENOSYS', grants=[call])
