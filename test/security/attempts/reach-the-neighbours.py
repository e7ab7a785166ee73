"""
Knocks at addresses of the host and of another job's sandbox, where somebody listens: over TCP and UDP in both versions of
IP, over raw packets, over the channel between virtual machines, and at sockets that have names instead of addresses. First
it tries to give the sandbox a network: an address, a route, a device.
Success: somebody outside hears the knock.
  reach-the-neighbours.py PORT ADDRESS…
"""
import fcntl, os, socket, struct, sys

port, addresses = int(sys.argv[1]), sys.argv[2:]
knock = b'backspace knocks'


def attempt(name, action):
    try:
        print(name, action() or 'went through')
    except (OSError, AttributeError, OverflowError) as error:
        print(name, type(error).__name__, error)


def device():
    with open('/dev/net/tun', 'r+b', buffering=0) as tun:
        fcntl.ioctl(tun, 0x400454CA, struct.pack('16sH', b'out0', 0x0001))


def own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        address = struct.pack('16sH2s4s8s', b'lo', socket.AF_INET, b'\0\0', socket.inet_aton('172.17.0.250'), b'')
        fcntl.ioctl(connection, 0x8916, address)


def route():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as connection:
        connection.bind((0, 0))
        # RTM_NEWROUTE, a default route over the first device.
        body = struct.pack('BBBBBBBBI', socket.AF_INET, 0, 0, 0, 254, 4, 0, 1, 0) + struct.pack('HHI', 8, 4, 1)
        connection.send(struct.pack('IHHII', 16 + len(body), 24, 0x405, 1, 0) + body)
        print('route:', connection.recv(4096).hex()[:80])


for name, action in (('device', device), ('address', own_address), ('route', route)):
    attempt(name, action)


def stream(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        connection.connect(address)
        connection.sendall(knock)


def datagram(family, address, kind=socket.SOCK_DGRAM, protocol=0):
    with socket.socket(family, kind, protocol) as connection:
        connection.sendto(knock, address)


for address in addresses:
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    attempt(f'tcp {address}', lambda: stream(family, (address, port)))
    attempt(f'udp {address}', lambda: datagram(family, (address, port)))
    attempt(f'raw {address}', lambda: datagram(family, (address, 0), socket.SOCK_RAW, socket.IPPROTO_UDP))
    attempt(f'icmp {address}', lambda: datagram(family, (address, 0), socket.SOCK_DGRAM, socket.IPPROTO_ICMP))
for host in (0, 1, 2, 3):
    attempt(f'vsock {host}', lambda: stream(socket.AF_VSOCK, (host, port)))
attempt('packet', lambda: datagram(socket.AF_PACKET, ('lo', 0x0800), socket.SOCK_RAW, 0x0300))
names = [f'\0backspace-{port}', f'/tmp/backspace-{port}', '/var/run/docker.sock', '/run/containerd/containerd.sock', '/proc/1/root/run/docker.sock']
for name in names:
    attempt(f'unix {name!r}', lambda: stream(socket.AF_UNIX, name))
