"""A wire: a pair of virtual interfaces, `far` and `near`, in a network namespace of this process."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

INSIDE = "UNDERTONE_ON_WIRE"
METRICS = 9100


def enter():
    """Starts this program anew in a network namespace that ends with it, and makes the wire there."""
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run("ip link add far type veth peer name near".split(), check=True)
    for name in ("near", "far"):
        # Nobody speaks on it but whoever sends.
        subprocess.run(["sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1"], check=False)
        subprocess.run(["ip", "link", "set", name, "arp", "off", "up"], check=True)


def counters():
    """Frames that `far` has sent, that `near` has received, and that either has dropped."""
    links = json.loads(subprocess.check_output(["ip", "-json", "-s", "link"]))
    of = {link["ifname"]: link["stats64"] for link in links}
    ends = [of[name][way] for name in ("near", "far") for way in ("rx", "tx")]
    return of["far"]["tx"]["packets"], of["near"]["rx"]["packets"], sum(e["dropped"] for e in ends)


class Live:
    """`live` on `near`, its talk kept as it comes; it is capturing once this is made."""

    def __init__(self, undertone, *options, out=subprocess.DEVNULL):
        line = [undertone, "live", "near", "--metrics", str(METRICS), *options]
        self.process = subprocess.Popen(line, stdout=out, stderr=subprocess.PIPE, text=True)
        self.talk = []
        for line in self.process.stderr:
            self.talk.append(line)
            if line.startswith("metrics at"):
                break
        else:
            sys.exit("".join(self.talk))
        self.listener = threading.Thread(target=lambda: self.talk.extend(self.process.stderr), daemon=True)
        self.listener.start()

    def stop(self):
        """Ends it; the frames read, those that passed to it, and those that the kernel dropped."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.listener.join()
        line = [line for line in self.talk if " read; " in line][-1]
        read, passed, dropped, *_ = re.findall(r"[\d,]*\d", line)
        return [int(number.replace(",", "")) for number in (read, passed, dropped)]


def metrics():
    """What `live` has counted so far; those with labels as the sum over them."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    page = opener.open(f"http://127.0.0.1:{METRICS}/metrics", timeout=5).read().decode()
    sums = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            name = name.split("{")[0].removeprefix("undertone_")
            sums[name] = sums.get(name, 0) + float(value)
    return sums


def memory(process):
    """Resident MiB of a process, and the most that they ever were."""
    with open(f"/proc/{process}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return [int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")]


def processor_seconds(process):
    """What it has used of the processors."""
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settled():
    """The counters, once `live` has counted no more frames for two seconds."""
    before = None
    while (now := metrics()) and now["frames_total"] != before:
        before = now["frames_total"]
        time.sleep(2)
    return now
