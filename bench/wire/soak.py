"""A soak: `undertone live` on a wire that carries a capture again and again, watched.

usage: soak.py CAPTURE OUT [--minutes 60] [--rate 15000] [--undertone target/release/undertone]

Needs root, Linux, iproute2 and tcpreplay. Every ten seconds a line goes to OUT/soak.tsv; verdicts go
to OUT/eve. Each time around, tcpreplay gives the frames other addresses, so that sessions are new.
At the end, what tcpreplay sent, what the interfaces counted, what was read and what the kernel
dropped are held against each other, to the frame.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time

import link

INTERVAL = 10
TAKEN = ["frames_total", "kernel_drops_total", "interface_drops_total", "open_sessions",
         "sessions_ended_total", "verdicts_total", "early_verdicts_total", "waiting_sessions",
         "verdict_drops_total"]
COLUMNS = ["seconds", "resident_mib", "peak_mib", "processor_seconds", "sent", "received", "dropped",
           *TAKEN]


def sample(live, begun):
    counted = link.metrics()
    values = [time.monotonic() - begun, *link.memory(live.pid), link.processor_seconds(live.pid),
              *link.counters(), *(counted.get(name, 0) for name in TAKEN)]
    return "\t".join(f"{value:.1f}".removesuffix(".0") for value in values)


def watch(live, replay, path):
    """A line every ten seconds until the replay has ended and all of it is counted."""
    begun = time.monotonic()
    with path.open("w", buffering=1) as table:
        table.write("\t".join(COLUMNS) + "\n")
        while replay.poll() is None:
            table.write(sample(live, begun) + "\n")
            try:
                replay.wait(INTERVAL - (time.monotonic() - begun) % INTERVAL)
            except subprocess.TimeoutExpired:
                pass
        link.settled()
        table.write(sample(live, begun) + "\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("capture")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=15_000)
    parser.add_argument("--undertone", default="target/release/undertone")
    arguments = parser.parse_args()
    link.enter()
    arguments.out.mkdir(parents=True, exist_ok=True)
    live = link.Live(arguments.undertone, "--sink", f"eve:{arguments.out}/eve", "--format", "json")
    replay = subprocess.Popen(
        ["tcpreplay", "--intf1=far", f"--pps={arguments.rate}", "--loop=1000000",
         "--unique-ip", f"--duration={arguments.minutes * 60:.0f}", arguments.capture],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watch(live.process, replay, arguments.out / "soak.tsv")
    told = replay.stdout.read()
    sent, received, dropped = link.counters()
    read, passed, by_kernel = live.stop()
    replayed = int(re.search(r"Successful packets:\s+(\d+)", told)[1])
    print(told, *live.talk, sep="\n")
    print(f"tcpreplay sent {replayed:,}; far sent {sent:,}; near received {received:,}; both dropped "
          f"{dropped:,}; live read {read:,}, the kernel dropped {by_kernel:,} of {passed:,}")
    is_exact = replayed == sent == received == read + by_kernel == passed
    print("exact" if is_exact else "NOT exact")
    sys.exit(0 if is_exact else 1)


if __name__ == "__main__":
    main()
