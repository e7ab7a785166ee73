"""Tries to get out of a sandbox: reads probes from a file, prints a line of JSON for each with what it was told."""
import base64, json, socket, sys, time
from concurrent.futures import ThreadPoolExecutor

SECONDS = 15


def receive_head(connection):
    head = b''
    while b'\r\n\r\n' not in head and len(head) < 65536:
        piece = connection.recv(4096)
        if not piece:
            break
        head += piece
    return head


def attempt(probe):
    started = time.monotonic()
    outcome = {'name': probe['name'], 'head': '', 'after': '', 'hung': False}
    try:
        with socket.create_connection(('127.0.0.1', 3128), SECONDS) as connection:
            connection.settimeout(SECONDS)
            connection.sendall(base64.b64decode(probe['request']))
            head = receive_head(connection)
            outcome['head'] = head.decode('latin1')
            if head.startswith(b'HTTP/1.1 200'):
                connection.sendall(base64.b64decode(probe['said']))
                if probe['half_close']:
                    connection.shutdown(socket.SHUT_WR)
                after = b''
                while len(after) < 4096:
                    piece = connection.recv(4096)
                    if not piece:
                        break
                    after += piece
                outcome['after'] = after.hex()
    except TimeoutError:
        outcome['hung'] = True
    except OSError as error:
        outcome['after'] = outcome['after'] or type(error).__name__
    outcome['seconds'] = round(time.monotonic() - started, 2)
    return outcome


with open(sys.argv[1]) as file:
    probes = json.load(file)
with ThreadPoolExecutor(int(sys.argv[2])) as pool:
    for outcome in pool.map(attempt, probes):
        print(json.dumps(outcome))
