"""
Stays. Ten processes leave their session, their parent and their call's mark and ignore every signal. They stop the process
that ends the container without a server, keep its sign of life young, hold the toolbox's pipes open so that its execs look
alive, and start anew what is killed. All the while they ask the gateway for the repository.
Success: the container, a process of it on the host, or a request of its to GitHub is there after the end of the job.
"""
import glob, os, signal, socket, subprocess, sys, time


def leave(name):
    """In the parent it returns True. The child has no mark, no parent and no session of anybody's."""
    if os.fork() > 0:
        return True
    os.setsid()
    if os.fork() > 0:
        os._exit(0)
    null = os.open('/dev/null', os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)
    os.execve(sys.executable, [name, __file__, 'stay'], {'BACKSPACE_CALL': 'another'})


if sys.argv[1:] != ['stay']:
    for index in range(10):
        leave(f'node --disable-sigusr1 /opt/backspace/toolbox/stays-{index}.js')
    while len(glob.glob('/tmp/staying-*')) < 10:
        time.sleep(0.1)
    sys.exit()

open(f'/tmp/staying-{os.getpid()}', 'w').close()
held = []
for pid in subprocess.run(['pgrep', '-f', 'toolbox/(calls|way-out)'], capture_output=True, text=True).stdout.split():
    for number, mode in ((0, os.O_RDWR), (0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            held.append(os.open(f'/proc/{pid}/fd/{number}', mode | os.O_NONBLOCK))
        except OSError:
            pass
for pid in subprocess.run(['pgrep', '-f', 'first-process'], capture_output=True, text=True).stdout.split():
    os.kill(int(pid), signal.SIGSTOP)
while True:
    try:
        os.utime('/tmp/.backspace-alive')
        with socket.create_connection(('127.0.0.1', 3128), 1) as connection:
            connection.settimeout(1)
            connection.sendall(b'GET /acme/books.git/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: x\r\n\r\n')
            connection.recv(4096)
    except OSError:
        pass
    time.sleep(0.3)
