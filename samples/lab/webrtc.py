"""webrtc.py offer|answer FOLDER ADDRESS SECONDS: an audio call over ICE, DTLS-SRTP and opus.

The session descriptions, which a web service would carry, pass through files in FOLDER.
"""

import asyncio
import json
import os
import sys

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole, MediaPlayer

role, folder, address, seconds = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
# The server's namespace holds the addresses of all services: this peer owns one of them.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]


def publish(name, description):
    path = os.path.join(folder, name)
    with open(path + ".part", "w") as file:
        json.dump({"sdp": description.sdp, "type": description.type}, file)
    os.rename(path + ".part", path)


async def receive(name):
    path = os.path.join(folder, name)
    for _ in range(200):
        if os.path.exists(path):
            with open(path) as file:
                return RTCSessionDescription(**json.load(file))
        await asyncio.sleep(0.1)
    sys.exit(f"no {name} came")


async def call():
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    speech, ear = MediaPlayer(os.path.join(os.environ["work"], "speech.wav"), loop=True), MediaBlackhole()
    connection.on("track", ear.addTrack)
    connected = asyncio.Event()

    @connection.on("connectionstatechange")
    def changed():
        if connection.connectionState == "connected":
            connected.set()

    if role == "offer":
        connection.addTrack(speech.audio)
        await connection.setLocalDescription(await connection.createOffer())
        publish("offer", connection.localDescription)
        await connection.setRemoteDescription(await receive("answer"))
    else:
        await connection.setRemoteDescription(await receive("offer"))
        connection.addTrack(speech.audio)
        await connection.setLocalDescription(await connection.createAnswer())
        publish("answer", connection.localDescription)
    await ear.start()
    await asyncio.wait_for(connected.wait(), 15)
    await asyncio.sleep(seconds)
    await connection.close()


asyncio.run(call())
