"""Reads HLS at the speed it would be shown: GStreamer, so libsoup on GnuTLS.

Not `gst-launch-1.0`, because a demuxer's own connections do not inherit that certificates
are taken unseen.
"""

import argparse

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst


def trust(_pipeline, _bin, element):
    """The certificates are the laboratory's own."""
    if element.find_property("ssl-strict"):
        element.set_property("ssl-strict", False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("playlist", help="URL of one rendition's playlist")
    parser.add_argument("--seconds", type=float, required=True, help="how long to play")
    options = parser.parse_args()
    Gst.init(None)
    pipeline = Gst.parse_launch("souphttpsrc name=source ! hlsdemux ! tsdemux ! fakesink sync=true")
    pipeline.connect("deep-element-added", trust)
    source = pipeline.get_by_name("source")
    source.set_property("location", options.playlist)
    source.set_property("ssl-strict", False)
    pipeline.set_state(Gst.State.PLAYING)
    ends = Gst.MessageType.ERROR | Gst.MessageType.EOS
    message = pipeline.get_bus().timed_pop_filtered(int(options.seconds * Gst.SECOND), ends)
    pipeline.set_state(Gst.State.NULL)
    if message and message.type == Gst.MessageType.ERROR:
        raise SystemExit(message.parse_error()[0].message)


if __name__ == "__main__":
    main()
