"""What is to be read: secrets, the kernel's insides, and whatever tells of the host."""
import os
import re
import socket
import stat
from harness import GVISOR, RUNC_ROOT, allowed_of, at_each_process, facts, probe

secret_name = re.compile(rb'TOKEN|SECRET|PASSW|API_?KEY|CREDENTIAL|PRIVATE|ANTHROPIC|LANGSMITH|GITHUB|DATABASE', re.I)
secret_value = re.compile(rb'gh[opsu]_\w{10}|github_pat_|sk-ant-|lsv2_|AKIA[A-Z0-9]{12}|-----BEGIN|://[^\s/]+:\S+@')


def read(path):
    bytes_max = 1 << 20
    with open(path, 'rb') as file:
        return file.read(bytes_max)


def parts_of_all(file):
    return at_each_process(lambda process: read(f'{process}/{file}').split(b'\0'))


@probe('no process has a variable with the name or the look of a secret', broken_in=GVISOR)
def find_variables():
    is_secret = lambda line: secret_name.search(line.split(b'=')[0]) or secret_value.search(line)
    return [line for line in parts_of_all('environ') if is_secret(line)] or None


@probe('no process has an argument with the look of a secret', broken_in=GVISOR)
def find_arguments():
    return [part for part in parts_of_all('cmdline') if secret_value.search(part)] or None


@probe('no file of credentials lies in any home', broken_in=GVISOR)
def find_credentials():
    homes = ['/root', '/home/backspace', '/home/node', '/workspace', '']
    names = ['.netrc', '.git-credentials', '.docker/config.json', '.aws/credentials', '.npmrc', '.ssh/id_rsa',
             '.ssh/id_ed25519', '.config/gh/hosts.yml', '.kube/config', '.pgpass']
    return allowed_of([f'{home}/{name}' for home in homes for name in names], read, 'ENOENT', 'EACCES')


def open_to_read(path):
    return os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


insides = {
    'memory': 'kcore kpagecount kpageflags vmallocinfo slabinfo iomem zoneinfo',
    'symbols, modules and configuration': 'kallsyms modules config.gz',
    'keys': 'keys key-users',
    'timers, locks and interrupts': 'timer_list sched_debug locks latency_stats interrupts',
    'disks': 'partitions diskstats mdstat scsi/scsi swaps',
    'log': 'kmsg ../dev/kmsg',
    'ports and consoles': 'ioports consoles tty/drivers dma',
}
for name, paths in insides.items():
    files = [f'/proc/{path}' for path in paths.split()]
    attempt = lambda files=files: allowed_of(files, open_to_read, 'ENOENT', 'EACCES', 'EPERM', 'ENXIO')
    probe(f'the kernel’s {name} cannot be read', broken_in=RUNC_ROOT)(attempt)


@probe('/sys tells of no firmware, disk, network card, bus or module', broken_in=RUNC_ROOT)
def find_hardware():
    names = ['firmware', 'block', 'class/net', 'class/dmi', 'class/block', 'bus/pci/devices', 'module', 'hypervisor',
             'kernel/debug', 'kernel/security', 'kernel/tracing', 'kernel/slab']
    found = [f'/sys/{name}' for name in names if os.path.exists(f'/sys/{name}')]
    return [place for place in found if os.listdir(place)] or None


@probe('the command line of the kernel is not the host’s', broken_in=RUNC_ROOT)
def read_command_line():
    line = read('/proc/cmdline')
    return None if b'gvisor' in line else line


@probe('the kernel is not the host’s', broken_in=RUNC_ROOT)
def compare_kernel():
    told = os.uname().release, read('/proc/version').decode()
    return told if any(facts['hostKernel'] in text for text in told) else None


@probe('the host’s name is not told', broken_in=GVISOR)
def find_host_name():
    told = [socket.gethostname(), read('/etc/hostname').decode(), read('/etc/hosts').decode()]
    return [text for text in told if re.search(rf'\b{re.escape(facts["hostName"])}\b', text)] or None


@probe('what is mounted tells no path of the host', broken_in=RUNC_ROOT)
def find_host_paths():
    tables = ['/proc/self/mounts', '/proc/self/mountinfo', '/proc/1/mounts', '/proc/1/mountinfo', '/etc/mtab']
    text = b''.join(read(table) for table in tables if os.path.exists(table))
    return re.findall(rb'\S*(?:/var/lib/|overlay2|containerd|/run/user|upperdir=)\S*', text)[:3] or None


@probe('the root of every process is the sandbox’s', 'EACCES', broken_in=RUNC_ROOT)
def compare_roots():
    identity = lambda path: (os.stat(path).st_dev, os.stat(path).st_ino)
    look = lambda process: [process] if identity(f'{process}/root/') != identity('/') else []
    return at_each_process(look) or None


@probe('no engine, runtime or system service answers at its socket', broken_in=GVISOR)
def connect_to_engine():
    names = ['docker.sock', 'containerd/containerd.sock', 'containerd/containerd.sock.ttrpc', 'podman/podman.sock',
             'crio/crio.sock', 'runsc.sock', 'dbus/system_bus_socket', 'systemd/private', 'snapd.socket']
    sockets = [f'{run}/{name}' for run in ('/run', '/var/run') for name in names]
    return allowed_of(sockets, lambda path: socket.socket(socket.AF_UNIX).connect(path), 'ENOENT', 'EACCES')


@probe('no socket is mounted, and none lies where services have theirs', broken_in=GVISOR)
def find_sockets():
    # By stat, since the directory of a mounted one may tell another type.
    tops = [f'/{name}' for name in os.listdir('/') if name not in ('proc', 'sys', 'usr', 'lib', 'lib64')]
    paths = {line.split()[1] for line in read('/proc/mounts').decode().splitlines()}
    for top in tops:
        paths |= {f'{directory}/{name}' for directory, _, names in os.walk(top) for name in names}
    is_socket = lambda path: os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode)
    return [path for path in paths if is_socket(path)] or None
