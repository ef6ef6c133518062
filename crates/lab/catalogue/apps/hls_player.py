"""Plays HLS over one HTTP/1.1 connection: the `ssl` module of Python, so OpenSSL."""

import asyncio
import http.client
import random
import ssl

import hls

AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "AppleCoreMedia/1.0.0.20H19 (iPhone; U; CPU OS 16_7 like Mac OS X; en_us)",
    "ExoPlayerLib/2.18.1",
    "VLC/3.0.18 LibVLC/3.0.18",
]


def main():
    parser = hls.arguments(__doc__)
    parser.add_argument("--tls", choices=["1.2", "1.3"], default="1.3", help="highest version")
    options = parser.parse_args()
    context = ssl.create_default_context()
    # The certificates are the laboratory's own.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if options.tls == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    headers = {"User-Agent": random.Random(options.seed).choice(AGENTS), "Accept": "*/*"}
    connection = http.client.HTTPSConnection(
        options.host, options.port, context=context, timeout=20
    )

    async def fetch(path):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {answer.reason}")
        return body

    asyncio.run(hls.Player(fetch, options.folder, options.seed).play(options.seconds))
    connection.close()


if __name__ == "__main__":
    main()
