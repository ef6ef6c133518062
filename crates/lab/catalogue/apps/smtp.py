"""Sends one to three mails in one session, with Python's smtplib.

usage: smtp.py HOST PORT NAME PASSWORD SEED direct|starttls MAIL...
A NAME of "-" sends without a password.
"""

import pathlib
import random
import smtplib
import ssl
import sys
import time


def main():
    host, port, name, password, seed, mode, *mails = sys.argv[1:]
    draw = random.Random(int(seed))
    context = ssl._create_unverified_context()
    if draw.random() < 0.3:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if mode == "starttls":
        server = smtplib.SMTP(host, int(port), timeout=20)
        server.starttls(context=context)
    else:
        server = smtplib.SMTP_SSL(host, int(port), context=context, timeout=20)
    if name != "-":
        server.login(name, password)
    for mail in mails:
        server.sendmail(f"{draw.getrandbits(32):x}@example.com", ["user00@example.org"], pathlib.Path(mail).read_bytes())
        time.sleep(min(4, draw.expovariate(1)))
    server.quit()


main()
