"""Serves the files below a folder over HTTP/3: aioquic."""

import argparse
import asyncio
from pathlib import Path

from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--certificate", required=True)
parser.add_argument("--key", required=True)
options = parser.parse_args()
root = options.folder.resolve()


class Answers(QuicConnectionProtocol):
    """Answers each GET with the file of that name, or 404."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)

    def quic_event_received(self, event):
        for part in self.http.handle_event(event):
            if isinstance(part, HeadersReceived):
                self.answer(part.stream_id, dict(part.headers).get(b":path", b"/").decode())

    def answer(self, stream, path):
        wanted = (root / path.lstrip("/")).resolve()
        found = wanted.is_relative_to(root) and wanted.is_file()
        body = wanted.read_bytes() if found else b"not found\n"
        headers = [
            (b":status", b"200" if found else b"404"),
            (b"content-length", str(len(body)).encode()),
        ]
        self.http.send_headers(stream, headers)
        self.http.send_data(stream, body, end_stream=True)
        self.transmit()


async def main():
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(options.certificate, options.key)
    await serve(
        "0.0.0.0", options.port, configuration=configuration, create_protocol=Answers
    )
    print("serving", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
