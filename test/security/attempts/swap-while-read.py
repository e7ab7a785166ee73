"""
Changes a file again and again, in a process that stays, between two contents, a link to a file of the host's, a link to
what a process knows of itself, a pipe, a directory and nothing: between the listing of the workspace, the reading of the
file and its packing it is always another.
Success: something else than one of the two contents is in the commit as a file, or one that was not listed.
  swap-while-read.py FILE     a file of the host's
"""
import os, sys

os.chdir('/workspace')
if os.fork() > 0:
    sys.exit()
os.setsid()
null = os.open('/dev/null', os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(null, number)


def write(content):
    with open('/tmp/next', 'w') as file:
        file.write(content)
    os.replace('/tmp/next', 'swapped') if os.stat('/tmp').st_dev == os.stat('.').st_dev else copy()


def copy():
    with open('/tmp/next') as source, open('next', 'w') as target:
        target.write(source.read())
    os.replace('next', 'swapped')


def clear():
    try:
        os.rmdir('swapped') if os.path.isdir('swapped') and not os.path.islink('swapped') else os.remove('swapped')
    except OSError:
        pass


while True:
    for change in (
        lambda: write('one\n'), lambda: write('other\n' * 1000), lambda: os.symlink(sys.argv[1], 'swapped'),
        lambda: os.symlink('/proc/self/environ', 'swapped'), lambda: os.mkfifo('swapped'), lambda: os.mkdir('swapped'),
    ):
        clear()
        try:
            change()
        except OSError:
            pass
