"""
Makes files whose names mean something else to a program that is careless with them: options of tar and git, commands of a
shell, ends of lines, encodings, characters that turn or hide text, the longest name, bytes that are no text.
Success: anything but exactly these files is in the commit, or one of the commands has run (a file «pwned» is there).
"""
import os

os.chdir('/workspace')
names = [
    '--checkpoint-action=exec=touch pwned', '--checkpoint=1', '-T', '--files-from=README.md', '--to-command=touch pwned', '-C',
    '$(touch pwned)', '`touch pwned`', '; touch pwned', '| touch pwned', 'a\ntouch pwned\n', 'tab\there', '"quoted"', "it's", '*', '?',
    '%2e%2e%2f', '...', '.. ', ' ', '~', '#x', 'x' * 255, 'ends-with-cr\r', '\x1b[2Jcleared', 'r\u202etxt.exe', 'zero\u200bwidth',
    'e\u0301', '\u00e9', ':(exclude)README.md', '!README.md', 'name.lock', 'HEAD', 'refs', '\ufeffbom', '__proto__', 'constructor',
]
for name in names:
    with open(name, 'w') as file:
        file.write('odd\n')
for name in (b'latin1-\xe9', b'\xff\xfe', b'cut-\xe2\x82'):
    with open(os.path.join(b'/workspace', name), 'w') as file:
        file.write('odd\n')
