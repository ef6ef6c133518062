"""label.py [--summary] SERVICES FOLDER: which session of the captures in FOLDER is what, as TSV on standard output.

The class comes from the service's address, which only the drivers know; sessions are told apart by five-tuple,
the sender of the first packet being the client. Captures are classic pcap, Ethernet or raw IP.
"""

import collections
import glob
import os
import socket
import struct
import sys

ETHERNET, IPV4 = 1, b"\x08\x00"
PROTOCOLS = {6: "tcp", 17: "udp"}


def packets(path):
    """Each IPv4 packet of a capture, without its link header."""
    with open(path, "rb") as file:
        header = file.read(24)
        order = "<" if header[:4] == b"\xd4\xc3\xb2\xa1" else ">"
        link_type = struct.unpack(order + "I", header[20:24])[0]
        while record := file.read(16):
            frame = file.read(struct.unpack(order + "I", record[8:12])[0])
            if link_type != ETHERNET:
                yield frame
            elif frame[12:14] == IPV4:
                yield frame[14:]


def sessions(path):
    """Five-tuple -> [packets, bytes of IP], in order of first packet."""
    found = {}
    for packet in packets(path):
        if packet[0] >> 4 != 4 or packet[9] not in PROTOCOLS:
            continue
        ports = struct.unpack(">HH", packet[(packet[0] & 15) * 4 :][:4])
        source, target = (socket.inet_ntoa(packet[12:16]), ports[0]), (socket.inet_ntoa(packet[16:20]), ports[1])
        key = (packet[9], source, target)
        if key not in found and (packet[9], target, source) in found:
            key = (packet[9], target, source)
        counts = found.setdefault(key, [0, 0])
        counts[0] += 1
        counts[1] += struct.unpack(">H", packet[2:4])[0]
    return found


def rows(services_path, folder):
    with open(services_path) as file:
        services = {address: (name, application) for address, name, application in (line.rstrip("\n").split("\t") for line in file)}
    paths = sorted(glob.glob(f"{folder}/*.pcap")) + sorted(glob.glob(f"{folder}/by-class/*/*.pcap"))
    for path in paths:
        for (protocol, client, server), (count, size) in sessions(path).items():
            known = services.get(server[0]) or services.get(client[0]) or ("-", "unknown")
            inside = client[0].startswith("10.88.") or server[0].startswith("10.88.")
            name = f"VPN-{known[0]}" if inside and known[0] != "-" else known[0]
            yield [os.path.relpath(path, folder), PROTOCOLS[protocol], *client, *server, name, known[1], count, size]


def main():
    *options, services_path, folder = sys.argv[1:]
    if options == ["--summary"]:
        counts = collections.defaultdict(lambda: [0, 0, 0])
        for row in rows(services_path, folder):
            for place, value in enumerate((1, row[8], row[9])):
                counts[row[0], row[6]][place] += value
        for (capture, name), (number, packet_count, size) in sorted(counts.items()):
            print(f"{capture:<44} {name:<18} {number:4} sessions {packet_count:6} packets {size:8} bytes")
        return
    print("capture\tprotocol\tclient\tclient_port\tserver\tserver_port\tclass\tapplication\tpackets\tbytes")
    for row in rows(services_path, folder):
        print(*row, sep="\t")


main()
