"""Talks to others over XMPP, with slixmpp.

usage: xmpp.py talk ADDRESS PORT direct|starttls NAME@DOMAIN PASSWORD PEERS SECONDS SEED
       xmpp.py bot ADDRESS PORT SEED DOMAIN NAME:PASSWORD...

"talk" sends messages to PEERS (NAME@DOMAIN with commas between) and ends after SECONDS; "bot"
answers for each of its accounts, and does not end. The ADDRESS is in numbers; the server is asked
for the account's own domain (SNI).
"""

import asyncio
import random
import ssl
import sys

import slixmpp

WORDS = (
    "ok yes lol maybe tomorrow meeting coffee see you later what about the report is done great "
    "thanks can we move it to friday no problem send me that file link haha really sure on my way "
    "home dinner train late sorry good night morning did they answer already nice where are"
).split()


def text(draw):
    return " ".join(draw.choice(WORDS) for _ in range(min(150, 1 + int(draw.expovariate(1 / 7)))))


class Client(slixmpp.ClientXMPP):
    """A client that trusts any certificate."""

    def __init__(self, account, password, draw):
        super().__init__(f"{account}/{draw.getrandbits(32):x}", password)
        self.draw = draw
        for plugin in ("xep_0030", "xep_0085", "xep_0199"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.start)

    def get_ssl_context(self):
        context = ssl._create_unverified_context()
        if self.draw.random() < 0.3:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    async def start(self, _):
        self.send_presence()
        await self.get_roster()


class Talker(Client):
    """Says something to its peers from time to time."""

    def __init__(self, account, password, draw, peers, seconds):
        super().__init__(account, password, draw)
        self.peers = peers
        self.end = asyncio.get_event_loop().time() + seconds

    async def start(self, event):
        await super().start(event)
        mean = self.draw.uniform(1, 5)
        while asyncio.get_event_loop().time() < self.end:
            peer = self.draw.choice(self.peers)
            if self.draw.random() < 0.5:
                typing = self.make_message(mto=peer, mtype="chat")
                typing["chat_state"] = "composing"
                typing.send()
                await asyncio.sleep(self.draw.uniform(0.4, 2.5))
            self.send_message(mto=peer, mbody=text(self.draw), mtype="chat")
            await asyncio.sleep(min(12, self.draw.expovariate(1 / mean)))
        await self.disconnect()


class Bot(Client):
    """Answers most messages after a while, and connects again when the server goes."""

    def __init__(self, account, password, draw, address):
        super().__init__(account, password, draw)
        self.place = address
        self.add_event_handler("message", self.answer)
        self.add_event_handler("disconnected", self.again)

    async def again(self, _):
        await asyncio.sleep(5)
        connect(self, *self.place, False)

    async def answer(self, message):
        if message["type"] != "chat" or not message["body"] or self.draw.random() < 0.25:
            return
        await asyncio.sleep(min(10, self.draw.expovariate(1 / 2)))
        for _ in range(1 + (self.draw.random() < 0.25)):
            message.reply(text(self.draw)).send()
            await asyncio.sleep(self.draw.uniform(0.3, 1.5))


def connect(client, address, port, direct):
    client.default_domain = client.boundjid.domain
    client.connect((address, int(port)), use_ssl=direct, force_starttls=not direct, disable_starttls=direct)


def talk(address, port, mode, account, password, peers, seconds, seed):
    draw = random.Random(int(seed))
    client = Talker(account, password, draw, peers.split(","), float(seconds))
    client.add_event_handler("connection_failed", lambda _: client.abort())
    connect(client, address, port, mode == "direct")
    client.loop.run_until_complete(asyncio.wait([client.disconnected], timeout=float(seconds) + 20))


def bot(address, port, seed, domain, *accounts):
    for number, account in enumerate(accounts):
        name, password = account.split(":")
        draw = random.Random(int(seed) + number)
        connect(Bot(f"{name}@{domain}", password, draw, (address, port)), address, port, False)
    asyncio.get_event_loop().run_forever()


{"talk": talk, "bot": bot}[sys.argv[1]](*sys.argv[2:])
