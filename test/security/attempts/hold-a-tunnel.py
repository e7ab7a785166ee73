"""
Opens tunnels to an allowed host and keeps them, in a process that has left its session, its parent and its call's mark,
and that opens new ones and asks the gateway again and again: a job that is over must not go on talking.
Success: a connection of the job's is open, or a new one comes, after the end of its sandbox.
  hold-a-tunnel.py HELLO     a TLS ClientHello for github.com, in base64
"""
import base64, os, signal, socket, sys, time

hello = base64.b64decode(sys.argv[1])
if os.fork() > 0:
    while not os.path.exists('/tmp/holding'):
        time.sleep(0.1)
    sys.exit()
os.setsid()
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
if os.fork() > 0:
    sys.exit()
os.execve(sys.executable, [sys.executable, '-c', '''
import base64, socket, sys, time
kept = []
while True:
    for request in (b'CONNECT github.com:443 HTTP/1.1\\r\\nHost: github.com:443\\r\\n\\r\\n',
                    b'GET /acme/books.git/info/refs?service=git-upload-pack HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'):
        try:
            connection = socket.create_connection(('127.0.0.1', 3128), 2)
            connection.sendall(request)
            if connection.recv(4096).startswith(b'HTTP/1.1 200') and request.startswith(b'CONNECT'):
                connection.sendall(base64.b64decode(sys.argv[1]))
                kept.append(connection)
                if len(kept) == 4:
                    open('/tmp/holding', 'w').close()
        except OSError:
            pass
    for connection in kept:
        try:
            connection.sendall(b'still here')
        except OSError:
            pass
    time.sleep(0.2)
''', base64.b64encode(hello).decode()], {})
