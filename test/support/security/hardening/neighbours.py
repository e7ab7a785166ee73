"""What another job's sandbox and the host have at the same time: each has a name, and none must be found. What the
neighbour has is in play_neighbour.py."""
import ctypes
import os
import socket
from harness import RUNC_ROOT, allowed_of, at_each_process, facts, libc, probe, refused

mark, key = facts['mark'], facts['neighbour']['key']


def connect_to(port):
    """On whichever address of loopback."""
    addresses = {'127.0.0.1': socket.AF_INET, '127.0.0.2': socket.AF_INET, '::1': socket.AF_INET6}
    connect = lambda address: socket.socket(addresses[address]).connect((address, port))
    return allowed_of(addresses, connect, 'ECONNREFUSED', 'EADDRNOTAVAIL')


def connect_to_abstract(name):
    return socket.socket(socket.AF_UNIX).connect(f'\0{name}')


for who in ('neighbour', 'host'):
    at = facts[who]
    reach_port = lambda at=at: connect_to(at['port'])
    probe(f'a port on the {who}’s loopback is not reached', broken_in=RUNC_ROOT)(reach_port)
    reach_abstract = lambda at=at: connect_to_abstract(at['abstract'])
    refused(f'an abstract socket of the {who} is not reached', reach_abstract, 'ECONNREFUSED', broken_in=RUNC_ROOT)


@probe('no listener is seen but the toolbox’s', broken_in=RUNC_ROOT)
def find_listeners():
    LISTEN, way_out = '0A', 3128
    lines = []
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        with open(table) as file:
            lines += [line.split() for line in file.readlines()[1:]]
    return {int(line[1].split(':')[1], 16) for line in lines if line[3] == LISTEN} - {way_out} or None


@probe('no abstract socket is seen', broken_in=RUNC_ROOT)
def find_abstract_sockets():
    with open('/proc/net/unix') as table:
        return [line.split()[-1] for line in table if '@' in line] or None


def find(call, *arguments):
    result = getattr(libc, call)(*arguments)
    if result == -1:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


for name, attempt in {
    'shared memory': lambda: find('shmget', key, 1, 0),
    'message queue': lambda: find('msgget', key, 0),
    'set of semaphores': lambda: find('semget', key, 1, 0),
    'POSIX shared memory': lambda: find('shm_open', mark.encode(), os.O_RDONLY, 0),
    'POSIX message queue': lambda: find('mq_open', f'/{mark}'.encode(), os.O_RDONLY),
}.items():
    refused(f'no {name} of a neighbour is found', attempt, 'ENOENT', 'ENOSYS', broken_in=RUNC_ROOT)


@probe('no process of a neighbour is seen', broken_in=RUNC_ROOT)
def find_processes():
    def look(process):
        with open(f'{process}/cmdline') as command:
            return [process] if mark in command.read() else []

    return at_each_process(look) or None


@probe('no file of a neighbour is found', broken_in=RUNC_ROOT)
def find_files():
    roots = ['', *at_each_process(lambda process: [f'{process}/root'])]
    places = [f'{root}{place}/{mark}' for root in roots for place in ('/tmp', '/workspace', '/home/backspace')]
    return allowed_of(places, lambda path: open(path).close(), 'ENOENT', 'EACCES', 'ESRCH')
