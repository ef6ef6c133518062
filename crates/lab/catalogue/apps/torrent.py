"""Torrent files of the laboratory's media: the same for seeds and clients, so the same info hash.

As a program: a torrent of every file in a folder, for a seed.
"""

import argparse
import hashlib
import random
from pathlib import Path


def bencode(value):
    """BEP 3's encoding."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, str):
        return bencode(value.encode())
    if isinstance(value, list):
        return b"l" + b"".join(map(bencode, value)) + b"e"
    pairs = sorted((key.encode(), item) for key, item in value.items())
    return b"d" + b"".join(bencode(key) + bencode(item) for key, item in pairs) + b"e"


def torrent(path, tracker=None):
    """The torrent of one file, as bytes."""
    content = path.read_bytes()
    piece = 16384
    while piece * 200 < len(content):
        piece *= 2
    pieces = range(0, len(content), piece)
    info = {
        "name": path.name,
        "length": len(content),
        "piece length": piece,
        "pieces": b"".join(hashlib.sha1(content[at : at + piece]).digest() for at in pieces),
        # Private: clients ask only the tracker for peers, so they never find each other.
        "private": 1,
    }
    return bencode({"info": info} | ({"announce": tracker} if tracker else {}))


def write_some(files, into, count, seed, tracker=None):
    """Torrents of `count` drawn files of a folder, written into another; their paths."""
    into.mkdir(parents=True, exist_ok=True)
    drawn = random.Random(seed).sample(sorted(files.iterdir()), count)
    return [write(path, into, tracker) for path in drawn]


def write(path, into, tracker=None):
    written = into / f"{path.name}.torrent"
    written.write_bytes(torrent(path, tracker))
    return written


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, help="folder of the files to share")
    parser.add_argument("into", type=Path, help="folder to write torrents to")
    options = parser.parse_args()
    options.into.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.files.iterdir()):
        write(path, options.into)


if __name__ == "__main__":
    main()
