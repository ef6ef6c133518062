"""A mail server on aiosmtpd that hands each mail to the LMTP server on port 24 of the same host.

usage: smtpd.py ADDRESS ACCOUNTS CHAIN KEY CIPHERS
Ports 25 and 587 want STARTTLS, 465 speaks TLS at once; 465 and 587 want a password.
ACCOUNTS is a file of "name:password" lines.
"""

import asyncio
import pathlib
import smtplib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class ToLmtp:
    """Passes a mail on, beside the loop that serves clients."""

    async def handle_DATA(self, server, session, envelope):
        await asyncio.get_running_loop().run_in_executor(None, self.deliver, envelope)
        return "250 2.0.0 delivered"

    def deliver(self, envelope):
        with smtplib.LMTP("127.0.0.1", 24) as mailbox:
            mailbox.sendmail(envelope.mail_from, envelope.rcpt_tos, envelope.content)


def checker(path):
    accounts = dict(line.split(":", 1) for line in pathlib.Path(path).read_text().split())

    def check(server, session, envelope, mechanism, login):
        password = accounts.get(login.login.decode())
        return AuthResult(success=password == login.password.decode())

    return check


async def main():
    address, accounts, chain, key, ciphers = sys.argv[1:]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, key)
    context.set_ciphers(ciphers)
    check = checker(accounts)

    def protocol(**options):
        return lambda: SMTP(ToLmtp(), data_size_limit=60_000_000, authenticator=check, **options)

    starttls = {"tls_context": context, "require_starttls": True}
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(protocol(**starttls), address, 25),
        await loop.create_server(protocol(auth_required=True, **starttls), address, 587),
        await loop.create_server(
            protocol(auth_required=True, auth_require_tls=False), address, 465, ssl=context
        ),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


asyncio.run(main())
