"""A WebRTC telephone on aiortc: answers calls, or makes one.

Signalling is a line of JSON each way over TLS, on a connection that stays for the whole call;
speech is DTLS-SRTP over UDP after ICE.
"""

import argparse
import asyncio
import json
import random
import ssl

import aioice.ice
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.codecs.opus import OpusEncoder
from aiortc.contrib.media import MediaBlackhole, MediaPlayer


def use_only(address):
    """Offer to ICE the address of the route to the other side, as browsers do; not every one."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]


def use_bitrate(bits):
    """Of Opus, in bits a second; aiortc knows only 96000."""
    prepare = OpusEncoder.__init__

    def prepare_with_bitrate(encoder):
        prepare(encoder)
        encoder.codec.bit_rate = bits

    OpusEncoder.__init__ = prepare_with_bitrate


def connection(voice, codec=None):
    """A call whose speech is this file, over and over; `codec` is offered alone."""
    call = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    call.addTrack(MediaPlayer(voice, loop=True).audio)
    if codec:
        known = RTCRtpSender.getCapabilities("audio").codecs
        only = [entry for entry in known if entry.mimeType == f"audio/{codec}"]
        call.getTransceivers()[0].setCodecPreferences(only)
    heard = MediaBlackhole()
    call.on("track", heard.addTrack)
    call.on("connectionstatechange", lambda: print(call.connectionState, flush=True))
    return call, heard


async def send(writer, kind, text=""):
    writer.write(json.dumps({"kind": kind, "text": text}).encode() + b"\n")
    await writer.drain()


async def receive(reader):
    message = json.loads(await asyncio.wait_for(reader.readline(), 60))
    return message["kind"], message["text"]


async def offer(call, reader, writer):
    await call.setLocalDescription(await call.createOffer())
    await send(writer, "offer", call.localDescription.sdp)
    kind, text = await receive(reader)
    await call.setRemoteDescription(RTCSessionDescription(text, kind))


async def answer(call, text, writer):
    await call.setRemoteDescription(RTCSessionDescription(text, "offer"))
    await call.setLocalDescription(await call.createAnswer())
    await send(writer, "answer", call.localDescription.sdp)


async def serve(options):
    async def taken(reader, writer):
        call, heard = connection(options.voice)
        try:
            kind, text = await receive(reader)
            await (offer(call, reader, writer) if kind == "call me" else answer(call, text, writer))
            await heard.start()
            # The caller's goodbye, or the end of its connection.
            await asyncio.wait_for(reader.readline(), 120)
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            print(f"call failed: {error!r}", flush=True)
        finally:
            await call.close()
            await heard.stop()
            writer.close()

    use_only(options.address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.certificate, options.key)
    server = await asyncio.start_server(taken, "0.0.0.0", options.port, ssl=context)
    print("waiting for calls", flush=True)
    await server.serve_forever()


async def call(options):
    context = ssl.create_default_context()
    # The certificates are the laboratory's own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(options.host, options.port, ssl=context)
    use_only(writer.get_extra_info("sockname")[0])
    talk, heard = connection(options.voice, options.codec)
    # Who offers decides who speaks first in ICE and in DTLS.
    if random.Random(options.seed).random() < 0.5:
        await offer(talk, reader, writer)
    else:
        await send(writer, "call me")
        await answer(talk, (await receive(reader))[1], writer)
    await heard.start()
    await asyncio.sleep(options.seconds)
    statistics = await talk.getStats()
    await send(writer, "goodbye")
    await talk.close()
    await heard.stop()
    writer.close()
    inbound = [entry for entry in statistics.values() if entry.type == "inbound-rtp"]
    if not any(entry.packetsReceived for entry in inbound):
        raise SystemExit("connected, but no speech came")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    roles = parser.add_subparsers(required=True)
    waiting = roles.add_parser("serve")
    waiting.set_defaults(role=serve)
    waiting.add_argument("--address", required=True, help="where speech is sent from")
    waiting.add_argument("--port", type=int, required=True)
    waiting.add_argument("--certificate", required=True)
    waiting.add_argument("--key", required=True)
    calling = roles.add_parser("call")
    calling.set_defaults(role=call)
    calling.add_argument("host")
    calling.add_argument("port", type=int)
    calling.add_argument("--codec", choices=["opus", "PCMU", "PCMA", "G722"], required=True)
    calling.add_argument("--seconds", type=float, required=True)
    calling.add_argument("--seed", type=int, required=True)
    for arguments in (waiting, calling):
        arguments.add_argument("--voice", required=True, help="WAV file to speak from")
        arguments.add_argument("--bitrate", type=int, required=True, help="of Opus, bits a second")
    options = parser.parse_args()
    use_bitrate(options.bitrate)
    asyncio.run(options.role(options))


if __name__ == "__main__":
    main()
