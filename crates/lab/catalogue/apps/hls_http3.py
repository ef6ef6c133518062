"""Plays HLS over one QUIC connection, as HTTP/3: aioquic, which has its own TLS 1.3."""

import asyncio
import ssl

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

import hls


class Requests(QuicConnectionProtocol):
    """Answers by stream, gathered until each ends."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.bodies = {}
        self.answers = {}

    def quic_event_received(self, event):
        for part in self.http.handle_event(event):
            if isinstance(part, DataReceived):
                self.bodies[part.stream_id] += part.data
            if isinstance(part, (DataReceived, HeadersReceived)) and part.stream_ended:
                self.answers[part.stream_id].set_result(bytes(self.bodies.pop(part.stream_id)))

    async def get(self, host, path):
        stream = self._quic.get_next_available_stream_id()
        self.bodies[stream] = bytearray()
        self.answers[stream] = asyncio.get_running_loop().create_future()
        headers = [
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", host.encode()),
            (b":path", path.encode()),
            (b"user-agent", b"Mozilla/5.0"),
        ]
        self.http.send_headers(stream, headers, end_stream=True)
        self.transmit()
        return await asyncio.wait_for(self.answers[stream], 20)


async def main():
    options = hls.arguments(__doc__).parse_args()
    configuration = QuicConfiguration(
        is_client=True,
        alpn_protocols=H3_ALPN,
        server_name=options.host,
        # The certificates are the laboratory's own.
        verify_mode=ssl.CERT_NONE,
        idle_timeout=30,
    )
    async with connect(
        options.host, options.port, configuration=configuration, create_protocol=Requests
    ) as client:

        async def fetch(path):
            return await client.get(options.host, path)

        await hls.Player(fetch, options.folder, options.seed).play(options.seconds)


if __name__ == "__main__":
    asyncio.run(main())
