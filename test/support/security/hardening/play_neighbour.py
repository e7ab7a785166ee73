"""What another job could have open: everything by which two jobs might find each other, under one name."""
import ctypes
import os
import signal
import socket
import sys
import threading

mark, port, abstract, key = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
CREATE_FOR_ALL, page = 0o1666, 4096
# Should nobody be there to end it.
signal.alarm(600)

for made in (
    libc.shmget(key, page, CREATE_FOR_ALL),
    libc.msgget(key, CREATE_FOR_ALL),
    libc.semget(key, 1, CREATE_FOR_ALL),
    libc.shm_open(mark.encode(), os.O_CREAT | os.O_RDWR, 0o666),
    libc.mq_open(f'/{mark}'.encode(), os.O_CREAT | os.O_RDWR, 0o666, None),
):
    if made == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
for place in ('/tmp', '/workspace', '/home/backspace'):
    with open(f'{place}/{mark}', 'w') as file:
        file.write(mark)


def greet(listener):
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(mark.encode())


abstract_listener = socket.socket(socket.AF_UNIX)
abstract_listener.bind(f'\0{abstract}')
abstract_listener.listen()
threading.Thread(target=greet, args=[abstract_listener], daemon=True).start()
with socket.create_server(('127.0.0.1', port)) as listener:
    print('ready', flush=True)
    greet(listener)
