"""irc.py HOST NICK SECONDS: talk in #sample over TLS; with 0 seconds, stay and answer for ever."""

import os
import random
import socket
import ssl
import sys
import time

WORDS = "ok yes lol maybe does anyone know how to fix this thanks works for me back soon nice cool".split()
host, nick, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
tls = ssl.create_default_context()
connection = tls.wrap_socket(socket.create_connection((host, 6697), 15), server_hostname=host)
connection.settimeout(0.2)


def send(line):
    connection.sendall((line + "\r\n").encode())


send(f"NICK {nick}")
send(f"USER {nick} 0 * :{nick}")
start, next_line, joined, buffer = time.time(), 0.0, False, b""
while seconds == 0 or time.time() - start < seconds:
    try:
        received = connection.recv(8192)
        if not received:
            sys.exit("the server closed the connection")
        buffer += received
    except (socket.timeout, ssl.SSLWantReadError):
        pass
    *lines, buffer = buffer.split(b"\n")
    for line in lines:
        if line.startswith(b"PING"):
            send("PONG " + line.split(b" ", 1)[1].decode().strip())
        if b" 001 " in line:
            send("JOIN #sample")
            joined = True
            next_line = time.time() + random.uniform(0.3, 1)
    if joined and time.time() > next_line:
        words = " ".join(random.choice(WORDS) for _ in range(random.randint(1, 15)))
        send(f"PRIVMSG #sample :{os.environ['canary']} {words}")
        next_line = time.time() + random.expovariate(1 / (3 if seconds else 5))
send("QUIT :bye")
time.sleep(0.3)
