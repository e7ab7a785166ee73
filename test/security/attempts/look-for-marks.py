"""
The second half of mark-the-machine.py: looks, in a sandbox where it has not run, for what it leaves.
Success: this prints a line that begins with «FOUND».
  look-for-marks.py MARK
"""
import ctypes, glob, os, socket, sys, zlib

mark = sys.argv[1]
key = zlib.crc32(mark.encode()) & 0x7FFFFFFF
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p

own = {str(os.getpid()), str(os.getppid()), 'self', 'thread-self'}
places = [line.split()[1] for line in open('/proc/mounts')]
files = [f'{place}/{name}' for place in places for name in ('marked', '.bashrc', '.gitconfig', '.npmrc', '.backspace-alive')]
files += glob.glob('/proc/sys/**', recursive=True) + glob.glob('/sys/fs/cgroup/*/*') + glob.glob('/var/**/marked', recursive=True)
files += glob.glob('/proc/[0-9]*/comm') + ['/proc/net/unix', '/etc/gitconfig', '/etc/hostname', '/run/marked', '/dev/mqueue/marked']
for path in files:
    try:
        if path.split('/')[2] not in own and mark[:15].encode() in open(path, 'rb').read(1_000_000):
            print('FOUND in', path)
    except (OSError, IndexError):
        pass

memory = libc.shmget(key, 4096, 0)
if memory >= 0 and (address := libc.shmat(memory, None, 0)):
    print('FOUND shared memory', ctypes.string_at(address, 40))
for name, get in (('message queue', lambda: libc.msgget(key, 0)), ('semaphore', lambda: libc.semget(key, 1, 0))):
    if get() >= 0:
        print('FOUND', name)
for family, address in ((socket.AF_UNIX, '\0' + mark), (socket.AF_INET, ('127.0.0.1', 20000 + key % 10000))):
    with socket.socket(family) as connection:
        connection.settimeout(1)
        if connection.connect_ex(address) == 0:
            print('FOUND somebody at', address)
if mark in (socket.gethostname(), os.uname().nodename):
    print('FOUND the host name')
print('-- looked')
