"""tracker.py FOLDER: a tracker on the loopback that names the seeds which left their address in FOLDER/*.peer."""

import glob
import http.server
import socket
import struct
import sys

folder = sys.argv[1]


class Tracker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        peers = b""
        for path in glob.glob(f"{folder}/*.peer"):
            with open(path) as file:
                address, port = file.read().split(":")
            peers += socket.inet_aton(address) + struct.pack(">H", int(port))
        body = b"d8:intervali1800e5:peers%d:%se" % (len(peers), peers)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", 6969), Tracker).serve_forever()
