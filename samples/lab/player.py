"""player.py HOST SECONDS: an adaptive HLS player on one persistent HTTPS connection, with a short buffer."""

import http.client
import random
import re
import ssl
import sys
import time

host, seconds = sys.argv[1], float(sys.argv[2])
context = ssl.create_default_context()
if random.random() < 0.5:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
connection = http.client.HTTPSConnection(host, 443, context=context, timeout=15)


def get(name):
    connection.request("GET", f"/{name}", headers={"User-Agent": "ExoPlayer/2.18", "Accept": "*/*"})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"{name}: status {response.status}")
    return response.read()


qualities = [line for line in get("master.m3u8").decode().splitlines() if line.endswith("m3u8")]
playlists = {quality: get(quality).decode() for quality in qualities}
start, buffered = time.time(), 0.0
for part in range(99):
    playlist = playlists[random.choice(qualities)]
    parts = [line for line in playlist.splitlines() if line and not line.startswith("#")]
    lengths = [float(length) for length in re.findall(r"#EXTINF:([\d.]+)", playlist)]
    get(parts[part % len(parts)])
    buffered += lengths[part % len(parts)]
    # Wait until the buffer, six seconds at most, has room for another part.
    ahead = buffered - (time.time() - start) - min(6, seconds / 2)
    if ahead > 0:
        time.sleep(min(ahead, max(0, seconds - (time.time() - start))))
    if time.time() - start >= seconds:
        break
connection.close()
