"""Runs a BitTorrent client on drawn torrents, beside a tracker on the loopback that knows one peer.

A tracker of the laboratory's would be one more host in each capture and would tell clients of
each other, whose sessions belong to no site. The torrents' paths are appended to the command.
"""

import argparse
import ipaddress
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from torrent import bencode, write_some


def tracker(peer):
    """A tracker that answers every announce with this peer, as BEP 23 has it."""
    address, port = peer.rsplit(":", 1)
    compact = ipaddress.IPv4Address(address).packed + int(port).to_bytes(2, "big")
    answer = bencode({"interval": 1800, "complete": 1, "incomplete": 1, "peers": compact})

    class Announce(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Announce)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/announce"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--files", type=Path, required=True, help="folder of the files shared")
    parser.add_argument("--count", type=int, default=1, help="torrents to load")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="how long to run the client")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    torrents = write_some(
        options.files, Path("torrents"), options.count, options.seed, tracker(options.peer)
    )
    client = subprocess.Popen([*options.command, *map(str, torrents)])
    try:
        sys.exit(client.wait(options.seconds))
    except subprocess.TimeoutExpired:
        # That the time is over is how most downloads here end.
        client.terminate()
        try:
            client.wait(3)
        except subprocess.TimeoutExpired:
            client.kill()


if __name__ == "__main__":
    main()
