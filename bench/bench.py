"""Undertone beside its peers on this machine: bench.py packets|networks|all [options]

Rounds are interleaved (A B C A B C ...), so that what disturbs the machine disturbs everyone; of
each, the median counts. Cutting is told as processor seconds (user and system) per gigabyte of
capture and peak memory; networks as samples a second. The last column is how many times Undertone
is as fast. Peers that are not installed are left out, and named: bench/setup.sh brings them.

Run it on an idle machine; what it prints goes into docs/results.md with the date.
"""

import argparse
import datetime
import itertools
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return "an unknown processor"


def built(arguments):
    """Builds Undertone's own programs; the folder they are in."""
    if not arguments.no_build:
        command = ["cargo", "build", "--release", "--workspace", "--bins", "--examples"]
        subprocess.run(command, cwd=ROOT, check=True)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"


def measure(command):
    """Processor seconds and peak memory in MB of a command; None if it fails."""
    with open(os.devnull, "w") as nowhere:
        child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = status
    if status != 0:
        return None
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def packet_tools(programs, scratch):
    """Name, what it does, and its command for a capture."""
    undertone = str(programs / "undertone")
    return [
        ("undertone, cutting only", "slices", [str(programs / "examples/cut"), "CAPTURE"]),
        ("undertone inspect", "sessions", [undertone, "inspect", "CAPTURE"]),
        ("cat to nowhere", "a copy", ["cat", "CAPTURE"]),
        ("tcpdump", "a copy", ["tcpdump", "-r", "CAPTURE", "-w", "/dev/null"]),
        ("nfpcapd", "flows", ["nfpcapd", "-r", "CAPTURE", "-w", f"{scratch}/nf"]),
        ("argus", "flows", ["argus", "-r", "CAPTURE", "-w", f"{scratch}/argus"]),
        ("ndpiReader", "flows, DPI", ["ndpiReader", "-q", "-i", "CAPTURE"]),
        ("PcapSplitter", "session files",
         ["PcapSplitter", "-f", "CAPTURE", "-o", f"{scratch}/split", "-m", "connection"]),
        ("undertone classify", "verdicts", [undertone, "classify", "CAPTURE", "--summary-only"]),
    ]


def packets(arguments):
    programs = built(arguments)
    for capture in arguments.captures:
        gigabytes = os.path.getsize(capture) / 1e9
        with tempfile.TemporaryDirectory() as scratch:
            tools = packet_tools(programs, scratch)
            missing = [tool for tool in tools if not shutil.which(tool[2][0])]
            tools = [tool for tool in tools if shutil.which(tool[2][0])]
            if arguments.only:
                tools = [tool for tool in tools if any(word in tool[0] for word in arguments.only)]
            found = {name: [] for name, _, _ in tools}
            for number in range(arguments.rounds):
                for name, _, command in tools:
                    shutil.rmtree(scratch)
                    for folder in ("nf", "split"):
                        os.makedirs(f"{scratch}/{folder}")
                    print(f"round {number + 1}: {name}", file=sys.stderr)
                    own = [word.replace("CAPTURE", str(capture)) for word in command]
                    used = measure(own)
                    if used:
                        found[name].append(used)
        rows = []
        for name, job, _ in tools:
            if not found[name]:
                rows.append([name, job, "failed", "", ""])
                continue
            cost = statistics.median(one[0] for one in found[name]) / gigabytes
            memory = statistics.median(one[1] for one in found[name])
            rows.append([name, job, f"{cost:.3f}", f"{memory:.0f}", cost])
        base = next((row[4] for row in rows if isinstance(row[4], float)), None)
        for row in rows:
            if isinstance(row[4], float):
                row[4] = f"{row[4] / base:.2f}"
        print(f"\n{capture}, {gigabytes:.2f} GB, medians of {arguments.rounds} rounds\n")
        table(["program", "gives", "processor s/GB", "peak MB", "times the first"], rows)
        if missing:
            print("\nnot here: " + ", ".join(name for name, _, _ in missing))


# Of each job and precision: who does it beside Undertone. Weights and slices are random: speed
# depends on their size only.
PEERS = {
    ("training", "float32"): ["torch-channels-last", "torch-eager"],
    ("training", "bfloat16"): ["torch-channels-last", "torch-eager"],
    ("inference", "float32"): ["openvino", "onnxruntime", "torch-channels-last", "torch-eager"],
    # What OpenVINO chooses by itself where the processor multiplies bfloat16, beside our int8.
    ("inference", "int8"): ["openvino", "onnxruntime", "openvino in bfloat16"],
}


def speed_of(programs, job, precision, batch, threads, seconds):
    """Samples a second of Undertone's own network, all bytes of a slice filled."""
    rate = {"training": 150, "inference": 400}[job] * (2 if precision != "float32" else 1)
    steps = max(5, int(seconds * rate / batch))
    command = [programs / "examples/speed", batch, threads, steps, "best", "all", precision, job]
    command = [str(word) for word in command]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    start = "inference in int8," if precision == "int8" else f"{job},"
    line = next(line for line in lines if line.startswith(start))
    return float(line.split(": ")[1].split("/s")[0])


def peer_speed(library, job, precision, batch, threads, seconds):
    library, _, other = library.partition(" in ")
    command = [sys.executable, str(HERE / "network_peer.py"), library, job, other or precision,
               str(batch), str(threads), str(seconds)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        print(outcome.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    return float(outcome.stdout.split()[-1])


def speeds_in_turns(programs, arguments, job, precision, batch, threads):
    """All speeds of each library, Undertone first."""
    found = {library: [] for library in ["undertone", *PEERS[job, precision]]}
    own = (job, precision, batch, threads, arguments.seconds)
    for _ in range(arguments.rounds):
        for library, speeds in found.items():
            print(f"{job} in {precision}, batch {batch}, {threads} threads: {library}",
                  file=sys.stderr)
            speed = (speed_of(programs, *own) if library == "undertone"
                     else peer_speed(library, *own))
            if speed:
                speeds.append(speed)
    return found


def networks(arguments):
    programs = built(arguments)
    rows = []
    for (job, precision), threads in itertools.product(PEERS, arguments.threads):
        for batch in [128] if job == "training" else arguments.batches:
            found = speeds_in_turns(programs, arguments, job, precision, batch, threads)
            ours = statistics.median(found["undertone"])
            for library, speeds in found.items():
                start = [f"{job}, {precision}", batch, threads, library]
                if not speeds:
                    rows.append([*start, "not here", ""])
                    continue
                speed = statistics.median(speeds)
                rows.append([*start, f"{speed:.0f}", f"{ours / speed:.2f}"])
    print(f"\nslices a second, medians of {arguments.rounds} rounds\n")
    table(["job", "batch", "threads", "library", "slices/s", "undertone is"], rows)


def table(head, rows):
    """As Markdown."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for number, row in enumerate(cells):
        padded = [cell.ljust(width) for cell, width in zip(row, widths)]
        print("| " + " | ".join(padded) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["packets", "networks", "all"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--captures", nargs="+", type=pathlib.Path,
                        default=[HERE / "captures/L.pcap", HERE / "captures/S.pcap"],
                        help="made by bench/inputs.sh bench/captures")
    parser.add_argument("--only", nargs="+", help="programs with one of these words in their name")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32, 256])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement of a network")
    parser.add_argument("--no-build", action="store_true", help="use the programs that are there")
    arguments = parser.parse_args()
    print(f"{datetime.date.today()}, {processor()}, {os.cpu_count()} cores")
    if arguments.what in ("packets", "all"):
        packets(arguments)
    if arguments.what in ("networks", "all"):
        networks(arguments)


if __name__ == "__main__":
    main()
