"""imap.py HOST: read a few messages of the mailbox as a mail program does; half the time by STARTTLS."""

import imaplib
import os
import random
import ssl
import sys
import time

host = sys.argv[1]
context = ssl.create_default_context()
if random.random() < 0.5:
    mailbox = imaplib.IMAP4(host, 143, timeout=15)
    mailbox.starttls(context)
else:
    mailbox = imaplib.IMAP4_SSL(host, 993, ssl_context=context, timeout=15)
mailbox.login("ada", os.environ["canary"])
mailbox.list()
mailbox.select()
numbers = mailbox.search(None, "ALL")[1][0].split()
mailbox.fetch(b",".join(numbers[:10]), "(FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])")
for _ in range(random.randint(1, 3)):
    mailbox.fetch(random.choice(numbers), "(RFC822)")
    time.sleep(random.uniform(0.1, 0.6))
mailbox.logout()
