"""Talks in an IRC channel over TLS.

usage: irc.py talk HOST PORT NICKNAME CHANNEL SECONDS SEED
       irc.py bots HOST PORT SEED CHANNEL...

"talk" speaks for SECONDS; "bots" puts two speakers into each CHANNEL, who answer, and does not end.
"""

import random
import socket
import ssl
import sys
import threading
import time

WORDS = (
    "ok yes lol maybe anyone know how to fix this build error with the new kernel module thanks "
    "works for me brb afk try turning it off and on again did you read the docs link please nice "
    "cool which version hm no idea ask later back"
).split()


def text(draw):
    return " ".join(draw.choice(WORDS) for _ in range(min(60, 1 + int(draw.expovariate(1 / 8)))))


class Speaker:
    """One nickname in one channel."""

    def __init__(self, host, port, nickname, channel, draw):
        context = ssl._create_unverified_context()
        if draw.random() < 0.3:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        plain = socket.create_connection((host, int(port)), 15)
        self.socket = context.wrap_socket(plain, server_hostname=host)
        self.socket.settimeout(0.2)
        self.channel, self.draw = channel, draw
        self.unread, self.joined, self.heard = b"", False, 0
        self.send(f"NICK {nickname}")
        self.send(f"USER {nickname} 0 * :{nickname}")

    def send(self, line):
        self.socket.sendall(f"{line}\r\n".encode())

    def say(self):
        self.send(f"PRIVMSG {self.channel} :{text(self.draw)}")

    def listen(self):
        """Reads what has come in; false once the server has closed the connection."""
        try:
            received = self.socket.recv(8192)
        except (TimeoutError, ssl.SSLWantReadError):
            return True
        self.unread += received
        while b"\n" in self.unread:
            line, self.unread = self.unread.split(b"\n", 1)
            if line.startswith(b"PING"):
                self.send("PONG " + line.split(b" ", 1)[1].decode().strip())
            elif b" 001 " in line:
                self.send(f"JOIN {self.channel}")
                self.joined = True
            elif b" PRIVMSG " in line:
                self.heard += 1
        return bool(received)

    def speak(self, mean, end):
        """Says something every `mean` seconds until `end`."""
        due = time.monotonic() + self.draw.uniform(1, 3)
        while time.monotonic() < end and self.listen():
            if self.joined and time.monotonic() > due:
                self.say()
                due = time.monotonic() + self.draw.expovariate(1 / mean)
        self.send("QUIT :bye")
        time.sleep(0.3)

    def answer(self):
        """Says something after most of what others say, as long as the server is there."""
        while self.listen():
            if self.heard:
                self.heard = 0
                if self.draw.random() < 0.6:
                    time.sleep(min(6, self.draw.expovariate(1 / 2)))
                    self.say()


def talk(host, port, nickname, channel, seconds, seed):
    draw = random.Random(int(seed))
    speaker = Speaker(host, port, nickname, channel, draw)
    speaker.speak(draw.uniform(1.5, 6), time.monotonic() + float(seconds))


def bot(host, port, nickname, channel, draw):
    while True:
        try:
            Speaker(host, port, nickname, channel, draw).answer()
        except OSError:
            pass
        time.sleep(3)


def bots(host, port, seed, *channels):
    threads = [
        threading.Thread(
            target=bot,
            args=(host, port, f"{channel.strip('#')}{number}", channel, random.Random(f"{seed}{channel}{number}")),
        )
        for channel in channels
        for number in range(2)
    ]
    for thread in threads:
        thread.start()


{"talk": talk, "bots": bots}[sys.argv[1]](*sys.argv[2:])
