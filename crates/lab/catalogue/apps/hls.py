"""HLS playback without decoding: which part is fetched when, as an adaptive player decides it.

A front end (hls_player.py, hls_http2.py, hls_http3.py) brings the transport: an `async` function
from a path to the bytes found there.
"""

import argparse
import asyncio
import random
import re
import time


def arguments(description):
    """The arguments that all front ends share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("host", help="name of the server, also sent as SNI")
    parser.add_argument("port", type=int)
    parser.add_argument("folder", help="folder of the master playlist on the server, such as v1")
    parser.add_argument("--seconds", type=float, required=True, help="how long to play")
    parser.add_argument("--seed", type=int, required=True)
    return parser


class Rendition:
    """One bit rate of a film: its parts, their lengths and what comes before the first."""

    def __init__(self, playlist):
        lines = [line.strip() for line in playlist.splitlines()]
        self.parts = [line for line in lines if line and not line.startswith("#")]
        self.lengths = [float(length) for length in re.findall(r"#EXTINF:([\d.]+)", playlist)]
        head = re.search(r'#EXT-X-MAP:URI="([^"]+)"', playlist)
        self.head = head.group(1) if head else None


class Player:
    """Keeps a buffer filled, and picks the bit rate by the throughput it sees."""

    def __init__(self, fetch, folder, seed):
        self.fetch = fetch
        self.folder = folder
        self.random = random.Random(seed)
        # Players differ in how far ahead they load and how boldly they climb.
        self.buffer_goal = self.random.uniform(5, 24)
        self.caution = self.random.uniform(0.6, 0.9)
        self.seek_chance = self.random.choice([0, 0, 0.03, 0.1])
        self.renditions = {}

    async def text(self, name):
        return (await self.fetch(f"/{self.folder}/{name}")).decode()

    async def rendition(self, name):
        """Fetched when first wanted, as players do."""
        if name not in self.renditions:
            found = Rendition(await self.text(name))
            if found.head:
                await self.fetch(f"/{self.folder}/{found.head}")
            self.renditions[name] = found
        return self.renditions[name]

    async def play(self, seconds):
        master = await self.text("master.m3u8")
        rates = [int(rate) for rate in re.findall(r"[:,]BANDWIDTH=(\d+)", master)]
        names = [line.strip() for line in master.splitlines() if line.strip().endswith(".m3u8")]
        ladder = sorted(zip(rates, names))
        step = self.random.randrange(len(ladder))
        number, ahead, throughput = self.random.randrange(4), 0.0, None
        end, seen = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end:
            rendition = await self.rendition(ladder[step][1])
            place = number % len(rendition.parts)
            number += 1
            asked = time.monotonic()
            part = await self.fetch(f"/{self.folder}/{rendition.parts[place]}")
            now = time.monotonic()
            measured = len(part) * 8 / max(now - asked, 0.001)
            throughput = measured if throughput is None else 0.7 * throughput + 0.3 * measured
            ahead = max(0.0, ahead - (now - seen)) + rendition.lengths[place]
            seen = now
            fitting = [i for i, (rate, _) in enumerate(ladder) if rate < self.caution * throughput]
            step = max(fitting, default=0)
            if self.random.random() < self.seek_chance:
                number, ahead = self.random.randrange(len(rendition.parts)), 0.0
            if ahead > self.buffer_goal:
                await asyncio.sleep(min(ahead - self.buffer_goal, max(0.0, end - now)))
