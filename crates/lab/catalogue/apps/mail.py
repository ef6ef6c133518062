"""Writes a mail of a drawn size: words, and in one of three an attachment.

usage: mail.py SEED > mail.eml            one mail
       mail.py SEED --deliver NAME...     two to six mails into the box of each name, through the
                                          LMTP server on port 24 of this host, once it is there
"""

import base64
import random
import smtplib
import sys
import time

SYLLABLES = "ba be co da fi ga ho ka la me no pa re ri so ta ve wi".split()


def word(draw):
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.randint(1, 4)))


def text(draw, size):
    lines, written = [], 0
    while written < size:
        lines.append(" ".join(word(draw) for _ in range(draw.randint(4, 12))))
        written += len(lines[-1])
    return "\n".join(lines)


def mail(draw):
    boundary = f"=_{draw.getrandbits(96):024x}"
    parts = [f"Content-Type: text/plain\n\n{text(draw, min(40_000, draw.lognormvariate(6.5, 1.2)))}"]
    if draw.random() < 0.35:
        attached = draw.randbytes(int(min(1_200_000, draw.lognormvariate(11, 1.2))))
        parts.append(
            "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
            + base64.encodebytes(attached).decode()
        )
    headers = [
        f"From: {word(draw)}@{word(draw)}.example",
        f"To: {word(draw)}@example.org",
        f"Subject: {' '.join(word(draw) for _ in range(draw.randint(1, 8)))}",
        f"Date: Mon, {draw.randint(1, 28)} Jan 2024 10:00:00 +0000",
        f"Message-ID: <{draw.getrandbits(64):x}@{word(draw)}.example>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/mixed; boundary="{boundary}"',
    ]
    body = "".join(f"--{boundary}\n{part}\n" for part in parts)
    whole = "\n".join(headers) + f"\n\n{body}--{boundary}--\n"
    return whole.replace("\n", "\r\n")


def lmtp_server():
    for _ in range(60):
        try:
            return smtplib.LMTP("127.0.0.1", 24)
        except OSError:
            time.sleep(0.5)
    sys.exit("no LMTP server on port 24 of this host")


def deliver(draw, names):
    with lmtp_server() as server:
        for name in names:
            for _ in range(draw.randint(2, 6)):
                server.sendmail("lab@example.org", [f"{name}@example.org"], mail(draw).encode())


def main():
    draw = random.Random(int(sys.argv[1]))
    if sys.argv[2:3] == ["--deliver"]:
        deliver(draw, sys.argv[3:])
    else:
        sys.stdout.write(mail(draw))


main()
