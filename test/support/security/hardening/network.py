"""Sockets beneath TCP and UDP, changes of the network, ways to other addresses than loopback. Nothing is sent."""
import fcntl
import os
import socket
import struct
from harness import GVISOR, RUNC_ROOT, allowed_of, become_root_of_own_namespace, probe, refused

ETH_P_ALL = 3
raw_sockets = {
    'a raw IPv4 socket for ICMP': (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    'a raw IPv4 socket for whole packets': (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    'a raw IPv4 socket for TCP': (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP),
    'a raw IPv6 socket': (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
    'a packet socket that sees whole frames': (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)),
    'a packet socket without frame headers': (socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL)),
}
for name, words in raw_sockets.items():
    # The runtime withholds CAP_NET_RAW even from root, so only the host's kernel shows these broken.
    refused(f'{name} is refused', lambda words=words: socket.socket(*words), broken_in=RUNC_ROOT)

# Not asked of the host's kernel, which might load a module for them.
families = {
    'AF_VSOCK, the way from a virtual machine to its host,': (40, socket.SOCK_STREAM),
    'AF_ALG, the kernel’s cryptography,': (38, socket.SOCK_SEQPACKET),
    'AF_XDP': (44, socket.SOCK_RAW),
    'AF_KEY': (15, socket.SOCK_RAW),
    'AF_TIPC': (30, socket.SOCK_DGRAM),
    'AF_CAN': (29, socket.SOCK_RAW),
    'AF_BLUETOOTH': (31, socket.SOCK_RAW),
    'AF_RDS': (21, socket.SOCK_SEQPACKET),
}
for name, words in families.items():
    attempt = lambda words=words: socket.socket(*words, 0)
    refused(f'{name} is no family of sockets here', attempt, 'EAFNOSUPPORT', 'EPERM', grants=['socket'])


def netlink(kind, flags, body):
    """One request to the kernel's network configuration; fails as the kernel says."""
    REQUEST_AND_ACK = 5
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as channel:
        channel.send(struct.pack('IHHII', 16 + len(body), kind, flags | REQUEST_AND_ACK, 1, 0) + body)
        answer = channel.recv(8192)
    code = struct.unpack('i', answer[16:20])[0]
    if code != 0:
        raise OSError(-code, os.strerror(-code))
    return 'done'


def attribute(kind, value):
    return struct.pack('HH', 4 + len(value), kind) + value + b'\0' * (-len(value) % 4)


def add_address(address, bits, link=1):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    packed = socket.inet_pton(family, address)
    header = struct.pack('BBBBI', family, bits, 0, 0, link)
    return netlink(20, 0x600, header + attribute(2, packed) + attribute(1, packed))


def add_route():
    network, link = attribute(1, socket.inet_aton('198.51.100.0')), attribute(4, struct.pack('I', 1))
    return netlink(24, 0x600, struct.pack('BBBBBBBBI', 2, 24, 0, 0, 254, 4, 0, 1, 0) + network + link)


def add_link(kind, name):
    header = struct.pack('BBHiII', 0, 0, 0, 0, 0, 0)
    return netlink(16, 0x600, header + attribute(3, name + b'\0') + attribute(18, attribute(1, kind + b'\0')))


def lift_loopback():
    """It is up already: so even where this is allowed it changes nothing."""
    return netlink(19, 0, struct.pack('BBHiII', 0, 0, 0, 1, 1, 1))


def set_flags_by_ioctl():
    SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack('16sH22x', b'lo', 0))
        return fcntl.ioctl(any_socket, SIOCSIFFLAGS, flags)


def open_tunnel():
    TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001
    device = os.open('/dev/net/tun', os.O_RDWR)
    return fcntl.ioctl(device, TUNSETIFF, struct.pack('16sH22x', b'probe-tun', IFF_TUN_NO_PI))


refused('an address is not added by netlink', lambda: add_address('192.0.2.77', 32), broken_in=[GVISOR, RUNC_ROOT])
refused('a route is not added by netlink', add_route, broken_in=RUNC_ROOT)
refused('a link is not added by netlink', lambda: add_link(b'veth', b'probe0'), broken_in=GVISOR)
refused('loopback is not changed by netlink', lift_loopback, broken_in=[GVISOR, RUNC_ROOT])
refused('loopback is not changed by ioctl', set_flags_by_ioctl, 'EPERM', 'ENOTTY', broken_in=RUNC_ROOT)
refused('a tunnel device is refused', open_tunnel, 'EPERM', 'ENOENT', broken_in=GVISOR)


def set_option(level, option):
    """gVisor takes some that it does not know, and says so only when asked for their value."""
    any_socket = socket.socket()
    any_socket.setsockopt(level, option, 1)
    return any_socket.getsockopt(level, option)


SO_MARK, IP_TRANSPARENT = 36, 19
for name, level, option in (
    ('marks for routing', socket.SOL_SOCKET, SO_MARK),
    ('addresses of others as one’s own', socket.SOL_IP, IP_TRANSPARENT),
):
    attempt = lambda level=level, option=option: set_option(level, option)
    refused(f'{name} are refused to a socket', attempt, 'EPERM', 'ENOPROTOOPT', broken_in=RUNC_ROOT)


def find_way(address, kind=socket.SOCK_DGRAM, protocol=0):
    """Connecting a datagram socket asks the kernel for a route, and sends nothing."""
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family, kind, protocol) as datagrams:
        datagrams.connect((address, 9))
        return f'{datagrams.getsockname()} to {address}'


no_way = ('ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL')
for name, addresses in {
    'another network': ['192.0.2.1', '::ffff:192.0.2.1'],
    'another network by IPv6': ['2001:db8::1'],
    'a cloud’s metadata': ['169.254.169.254', '::ffff:169.254.169.254'],
    'a cloud’s metadata by IPv6': ['fd00:ec2::254'],
    'Docker’s bridge': ['172.17.0.1'],
}.items():
    attempt = lambda addresses=addresses: allowed_of(addresses, find_way, *no_way)
    probe(f'there is no way to {name}', broken_in=GVISOR)(attempt)

# gVisor gives such sockets to everyone; they know loopback alone.
ping_elsewhere = lambda: find_way('192.0.2.1', socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
no_ping = (*no_way, 'EACCES', 'EPERM')
refused('a ping socket finds no way to another network', ping_elsewhere, *no_ping, broken_in=GVISOR)


@probe('only loopback addresses can be bound', broken_in=GVISOR)
def bind_elsewhere():
    addresses = ['192.0.2.2', '172.17.0.2', '169.254.0.9', '2001:db8::2']
    families = {True: socket.AF_INET6, False: socket.AF_INET}
    bind = lambda address: socket.socket(families[':' in address]).bind((address, 0))
    return allowed_of(addresses, bind, 'EADDRNOTAVAIL')


def interfaces_but_loopback():
    return [name for _, name in socket.if_nameindex() if name != 'lo'] or None


probe('there is no interface but loopback', broken_in=GVISOR)(interfaces_but_loopback)


@probe('a packet socket of a user namespace sees no interface but loopback', broken_in=GVISOR)
def packets_of_own_namespace():
    # gVisor 2024-07 gives root of any user namespace the rights over the sandbox's network, which Linux does not. So
    # packet sockets, addresses and links can be had there; what counts is that there is nothing to send on.
    become_root_of_own_namespace()
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    return interfaces_but_loopback()
