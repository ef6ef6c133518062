"""Speaks in a Mumble channel: pymumble, whose voice goes through its TLS connection.

With `--seconds` one visit; with `--forever` the far end, which waits for its server and comes back.
"""

import argparse
import random
import ssl
import time
import wave

import opuslib

# pymumble 1.6 sets this property, which newer libopus refuses.
opuslib.Encoder.bitrate = property(lambda self: 0, lambda self, value: None)

import pymumble_py3
from pymumble_py3.constants import PYMUMBLE_CONN_STATE_CONNECTED

FRAMES = 960  # 20 ms at 48 kHz


def name_the_server(host):
    """Makes pymumble send the server's name in its TLS greeting, as Mumble does."""
    context = ssl.create_default_context()
    # The certificates are the laboratory's own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    ssl.wrap_socket = lambda connection, **_: context.wrap_socket(
        connection, server_hostname=host
    )


def talk(client, drawn, voice, end):
    """Some seconds of the file, then silence, until the time is over."""
    while time.monotonic() < end and client.is_alive():
        for _ in range(int(drawn.uniform(20, 250))):
            speech = voice.readframes(FRAMES)
            if len(speech) < 2 * FRAMES:
                voice.rewind()
                continue
            client.sound_output.add_sound(speech)
            time.sleep(0.02)
            if time.monotonic() > end:
                return
        time.sleep(min(drawn.expovariate(1 / 1.5), 5))


def visit(options, drawn):
    """Talks until the time is over, which is true, or until the server is gone, which is false."""
    client = pymumble_py3.Mumble(options.host, options.nickname, port=options.port)
    client.set_application_string("Mumble 1.4.287")
    # Its loop need not turn faster than there are frames.
    client.set_loop_rate(0.02)
    client.start()
    client.is_ready()
    if client.connected != PYMUMBLE_CONN_STATE_CONNECTED:
        return False
    client.set_bandwidth(drawn.choice([16000, 24000, 40000, 64000]))
    client.sound_output.set_audio_per_packet(drawn.choice([0.02, 0.02, 0.04, 0.06]))
    end = float("inf") if options.forever else time.monotonic() + options.seconds
    with wave.open(options.voice) as voice:
        talk(client, drawn, voice, end)
    is_over = client.is_alive()
    client.stop()
    return is_over


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("nickname")
    parser.add_argument("--voice", required=True, help="WAV file to speak from, 48 kHz, one channel")
    parser.add_argument("--seed", type=int, required=True)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--seconds", type=float)
    length.add_argument("--forever", action="store_true")
    options = parser.parse_args()
    drawn = random.Random(options.seed)
    name_the_server(options.host)
    while not visit(options, drawn):
        if not options.forever:
            raise SystemExit("the server did not let us in, or sent us away")
        time.sleep(1)


if __name__ == "__main__":
    main()
