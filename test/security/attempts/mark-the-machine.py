"""
Leaves a mark in everything of a sandbox that another one could share with it: each place where a file can be written, the
memory and message queues that processes share, sockets with names, the settings of the kernel, the groups of processes.
look-for-marks.py, run in the sandbox of a later job, says what it finds.
Success: a mark is found by the other job.
  mark-the-machine.py MARK
"""
import ctypes, glob, os, socket, subprocess, sys, zlib

mark = sys.argv[1]
key = zlib.crc32(mark.encode()) & 0x7FFFFFFF
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p

places = [line.split()[1] for line in open('/proc/mounts')]
for place in places + ['/var/tmp', '/run', '/opt/backspace', '/usr/local/bin', '/etc', '/home', '/var/cache', '/dev/mqueue']:
    for name in ('marked', '.bashrc', '.gitconfig', '.npmrc', '.backspace-alive'):
        try:
            with open(f'{place}/{name}', 'a') as file:
                file.write(mark)
        except OSError:
            pass

memory = libc.shmget(key, 4096, 0o1666)
if memory >= 0 and (address := libc.shmat(memory, None, 0)):
    ctypes.memmove(address, mark.encode(), len(mark))
queue = libc.msgget(key, 0o1666)
libc.msgsnd(queue, ctypes.c_char_p(ctypes.c_long(1).value.to_bytes(8, 'little') + mark.encode()), len(mark), 0o4000)
libc.semget(key, 1, 0o1666)

for path in glob.glob('/proc/sys/**', recursive=True) + glob.glob('/sys/fs/cgroup/*/*'):
    if os.path.isfile(path):
        try:
            with open(path, 'w') as file:
                file.write(mark)
        except OSError:
            pass
libc.sethostname(mark.encode(), len(mark))
subprocess.run(['git', 'config', '--system', 'user.name', mark], capture_output=True)

if os.fork() == 0:
    # Holds what lasts only as long as somebody has it open, until the sandbox ends.
    os.setsid()
    os.close(1)
    os.close(2)
    named = socket.socket(socket.AF_UNIX)
    named.bind('\0' + mark)
    named.listen()
    port = socket.socket()
    port.bind(('0.0.0.0', 20000 + key % 10000))
    port.listen()
    libc.prctl(15, mark[:15].encode())
    while True:
        connection, _ = port.accept()
        connection.sendall(mark.encode())
        connection.close()
