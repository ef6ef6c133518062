"""Merges captures into one, in the order of their frames' times, as if one wire had carried them all.

usage: merge.py OUT CAPTURE...

For Ethernet captures of `undertone-lab`: pcap, little-endian, microseconds. The lab cuts payload off
after a session's 64th packet; such frames are filled up with zeros to the length they had.
"""

import heapq
import struct
import sys

RECORD = struct.Struct("<IIII")


def frames(path):
    """Seconds, microseconds, captured bytes and original length of every frame of a capture."""
    with open(path, "rb") as file:
        magic, link = struct.unpack("<I16xI", file.read(24))
        if magic != 0xA1B2C3D4 or link != 1:
            sys.exit(f"`{path}` is no Ethernet capture with microseconds")
        while header := file.read(RECORD.size):
            seconds, microseconds, captured, original = RECORD.unpack(header)
            yield seconds, microseconds, file.read(captured), original


def main():
    out, *captures = sys.argv[1:]
    count = 0
    with open(out, "wb", 1 << 20) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for seconds, microseconds, data, original in heapq.merge(*map(frames, captures)):
            file.write(RECORD.pack(seconds, microseconds, original, original))
            file.write(data.ljust(original, b"\0"))
            count += 1
    print(f"{count:,} frames of {len(captures)} captures")


if __name__ == "__main__":
    main()
