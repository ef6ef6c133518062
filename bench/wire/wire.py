"""What `undertone live` bears: frames lost, verdicts, and how long one takes from its packet.

usage: wire.py CAPTURE [--undertone target/release/undertone] [--seconds 10] [--frames 500000]

Needs root, Linux, iproute2, tcpreplay and tcpdump. The first frames of CAPTURE are replayed over a
pair of virtual interfaces, ever faster, until `tcpdump -w /dev/null` with a ring as large as that of
`live` loses frames or the sender has no more to give. At the fastest rate without loss, and at
shares of it, `live` is measured: frames lost, verdicts left out, and latency, which is when a reader
has a record less when the interface had the packet that decided it. At last `live` and tcpdump
capture the same frames, and the verdicts of `live` are held against those of `classify`.
"""

import argparse
import collections
import datetime
import json
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import link

RATES = [50_000, 100_000, 150_000, 200_000, 300_000, 400_000, 600_000, 800_000]
RING_KIB = 32 << 10


def cut(capture, frames, out):
    """The first frames of a capture as a capture."""
    with open(capture, "rb") as file, open(out, "wb") as first:
        first.write(file.read(24))
        for _ in range(frames):
            if not (header := file.read(16)):
                break
            first.write(header + file.read(struct.unpack("<8xI4x", header)[0]))


def send(capture, rate, seconds):
    """Replays it at so many frames a second, or at most; how many were sent, and how fast."""
    pace = f"--pps={rate}" if rate else "--topspeed"
    line = ["tcpreplay", "--intf1=far", pace, "--preload-pcap", "--no-flow-stats", capture]
    if seconds:
        line[4:4] = ["--loop=1000000", "--unique-ip", f"--duration={seconds}"]
    told = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    sent = int(re.search(r"Successful packets:\s+(\d+)", told)[1])
    return sent, float(re.search(r"([\d.]+) pps", told)[1])


class Tcpdump:
    """Writes what comes to `near`; it is capturing once this is made."""

    def __init__(self, path):
        line = ["tcpdump", "-i", "near", "-B", str(RING_KIB), "-n", "-w", path,
                "--time-stamp-precision=nano"]
        self.process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
        while "listening on" not in self.process.stderr.readline():
            pass

    def stop(self):
        """Frames captured, and those that the kernel dropped."""
        time.sleep(1)
        self.process.send_signal(signal.SIGINT)
        told = self.process.stderr.read()
        self.process.wait()
        number = lambda what: int(re.search(rf"(\d+) packets {what}", told)[1])
        return number("captured"), number("dropped by kernel")


class Reader(threading.Thread):
    """Reads events of EVE as they come, and how late each is."""

    def __init__(self, out):
        super().__init__(daemon=True)
        self.out = out
        self.records = []
        self.start()

    def run(self):
        for line in self.out:
            self.records.append((time.time(), line))

    def latencies(self):
        """Milliseconds from the packet to the record, of verdicts on open sessions, sorted."""
        self.join()
        found = []
        for arrived, line in self.records:
            event = json.loads(line)
            if event["undertone"]["moment"] != "end":
                decided = datetime.datetime.fromisoformat(event["timestamp"]).timestamp()
                found.append((arrived - decided) * 1000)
        return sorted(found)


def fastest(capture, seconds):
    """The most frames a second, as sent, of which tcpdump loses none."""
    best = 0
    for rate in [*RATES, None]:
        tcpdump = Tcpdump("/dev/null")
        sent, pace = send(capture, rate, seconds)
        captured, dropped = tcpdump.stop()
        print(f"tcpdump at {pace:,.0f} a second: {sent:,} sent, {captured:,} captured, {dropped:,} dropped")
        if dropped or captured != sent:
            break
        best = max(best, pace)
        if rate and pace < 0.9 * rate:
            break
    return best


def measure(undertone, capture, rate, seconds, precision):
    """Prints a line about `live` at that rate."""
    options = ["--format", "eve", "--tell", "all", "--precision", precision]
    live = link.Live(undertone, *options, out=subprocess.PIPE)
    reader = Reader(live.process.stdout)
    before = link.counters()[1]
    used = link.processor_seconds(live.process.pid)
    sent, pace = send(capture, rate, seconds)
    counted = link.settled()
    used = link.processor_seconds(live.process.pid) - used
    read, _, dropped = live.stop()
    received = link.counters()[1] - before
    late = reader.latencies()
    at = lambda share: late[min(int(share * len(late)), len(late) - 1)]
    print(f"live, {precision}, at {pace:,.0f} a second: {sent:,} sent, {received:,} received, {read:,} read, {dropped:,} "
          f"dropped; {counted['verdict_drops_total']:,.0f} verdicts left out; {len(late):,} early ones, "
          f"late by {at(0.5):.1f} ms (median), {at(0.9):.1f} (90 %), {at(0.99):.1f} (99 %), "
          f"{late[-1]:.1f} (most); "
          f"{used:.1f} s of processor time")


def compare(undertone, capture, rate):
    """Whether `live` says of a recorded replay what `classify` says of the record."""
    with tempfile.TemporaryDirectory() as folder:
        record = f"{folder}/record.pcap"
        live = link.Live(undertone, "--format", "json", "--tell", "end", out=subprocess.PIPE)
        online = []
        reader = threading.Thread(target=lambda: online.extend(live.process.stdout), daemon=True)
        reader.start()
        tcpdump = Tcpdump(record)
        send(capture, rate, None)
        _, lost = tcpdump.stop()
        _, _, dropped = live.stop()
        reader.join()
        offline = subprocess.check_output([undertone, "classify", record, "--format", "json", "--quiet"],
                                          text=True).splitlines()
    said = [collections.Counter(map(verdict, lines)) for lines in (online, offline)]
    differing = sum(((said[0] - said[1]) + (said[1] - said[0])).values())
    print(f"verdicts at {rate:,.0f} a second: {len(online):,} of live, {len(offline):,} of classify, "
          f"{differing} in one only; tcpdump lost {lost}, live {dropped}")


def verdict(line):
    """A record without what names the capture, and why its session ended: silence may have come first."""
    record = json.loads(line)
    del record["capture"], record["end_reason"]
    return json.dumps(record)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("capture")
    parser.add_argument("--undertone", default="target/release/undertone")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--frames", type=int, default=500_000)
    parser.add_argument("--rate", type=float, help="take this one for the fastest")
    arguments = parser.parse_args()
    link.enter()
    sys.stdout.reconfigure(line_buffering=True)
    with tempfile.TemporaryDirectory() as folder:
        capture = f"{folder}/first.pcap"
        cut(arguments.capture, arguments.frames, capture)
        best = arguments.rate or fastest(capture, arguments.seconds)
        for precision in ("float32", "int8"):
            for share in (0.1, 0.25, 0.5, 1):
                measure(arguments.undertone, capture, int(best * share), arguments.seconds, precision)
        compare(arguments.undertone, capture, int(best / 2))


if __name__ == "__main__":
    main()
