"""xmpp.py talk|answer JID starttls|direct SECONDS: a conversation between ada and ben; 0 seconds is for ever."""

import asyncio
import os
import random
import socket
import ssl
import sys

import slixmpp

WORDS = "ok yes maybe tomorrow coffee see you later what about the report is done great thanks can we move it".split()
role, jid, mode, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
host = jid.split("@")[1]


def words():
    return f"{os.environ['canary']} " + " ".join(random.choice(WORDS) for _ in range(random.randint(1, 20)))


class Person(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(jid, os.environ["canary"])
        self.talked = False
        self.add_event_handler("session_start", self.started)
        self.add_event_handler("message", self.answer)
        self.register_plugin("xep_0030")
        self.register_plugin("xep_0085")

    def get_ssl_context(self):
        return ssl.create_default_context()

    async def started(self, _event):
        self.send_presence()
        await self.get_roster()
        if role == "talk":
            asyncio.ensure_future(self.talk())

    async def talk(self):
        end = asyncio.get_event_loop().time() + seconds
        while asyncio.get_event_loop().time() < end:
            composing = self.make_message(mto=f"ben@{host}", mtype="chat")
            composing["chat_state"] = "composing"
            composing.send()
            await asyncio.sleep(random.uniform(0.3, 1.0))
            self.send_message(mto=f"ben@{host}", mbody=words(), mtype="chat")
            self.talked = True
            await asyncio.sleep(min(random.expovariate(1 / 2.5), seconds / 2))
        await self.disconnect()

    async def answer(self, message):
        if role == "answer" and message["body"]:
            await asyncio.sleep(random.uniform(0.3, 1.5))
            message.reply(words()).send()


person = Person()
address = socket.gethostbyname(host)
direct = mode == "direct"
person.connect((address, 5223 if direct else 5222), use_ssl=direct, force_starttls=not direct, disable_starttls=direct)
if role == "answer":
    person.process(forever=True)
else:
    asyncio.get_event_loop().run_until_complete(asyncio.wait([person.disconnected], timeout=seconds + 10))
    sys.exit(0 if person.talked else "nothing was said")
