"""Reads mail as a mail program does, with Python's imaplib: headers, a few mails, at times IDLE.

usage: imap.py HOST PORT NAME PASSWORD SEED direct|starttls
"""

import imaplib
import random
import ssl
import sys
import time


def main():
    host, port, name, password, seed, mode = sys.argv[1:]
    draw = random.Random(int(seed))
    context = ssl._create_unverified_context()
    if draw.random() < 0.3:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if mode == "starttls":
        box = imaplib.IMAP4(host, int(port), timeout=20)
        box.starttls(context)
    else:
        box = imaplib.IMAP4_SSL(host, int(port), ssl_context=context, timeout=20)
    box.login(name, password)
    box.list()
    box.select()
    mails = box.search(None, "ALL")[1][0].split()[-20:]
    if mails:
        headers = "(FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])"
        box.fetch(b",".join(mails[-10:]), headers)
        for _ in range(draw.randint(0, 4)):
            box.fetch(draw.choice(mails), "(RFC822)")
            time.sleep(min(6, draw.expovariate(1 / 1.5)))
        if draw.random() < 0.3:
            box.store(mails[0], "+FLAGS", "\\Deleted")
            box.expunge()
    if draw.random() < 0.3:
        box.send(b"I1 IDLE\r\n")
        box.readline()
        time.sleep(draw.uniform(2, 8))
        box.send(b"DONE\r\n")
        while not box.readline().startswith(b"I1"):
            pass
    box.logout()


main()
