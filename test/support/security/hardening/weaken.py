"""What a badly kept sandbox would have besides its rights: runs in the weak variant under gVisor."""
import os
import socket
import time
import network

# Addresses in the networks that the probes look for, all upon loopback: nothing leaves by them.
networks = {'192.0.2.2': 24, '169.254.0.9': 16, '172.17.0.2': 16, '2001:db8::2': 64, 'fd00:ec2::1': 64}
for address, bits in networks.items():
    network.add_address(address, bits)
network.add_link(b'veth', b'leak0')

listeners = []
for path in ('/run/docker.sock', '/run/containerd/containerd.sock'):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    listeners.append(socket.socket(socket.AF_UNIX))
    listeners[-1].bind(path)
    listeners[-1].listen()
with open('/root/.netrc', 'w') as file:
    file.write('machine github.com')
leaked = os.open('/etc', os.O_RDONLY)
print('ready', flush=True)
time.sleep(600)
