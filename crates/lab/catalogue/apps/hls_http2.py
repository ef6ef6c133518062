"""Plays HLS over one HTTP/2 connection: httpx on OpenSSL."""

import asyncio

import httpx

import hls


async def main():
    options = hls.arguments(__doc__).parse_args()
    base = f"https://{options.host}:{options.port}"
    # A player keeps its connection while its buffer is full; httpx would drop it after 5 s.
    limits = httpx.Limits(keepalive_expiry=60)
    # The certificates are the laboratory's own, hence `verify`.
    async with httpx.AsyncClient(
        http2=True, verify=False, base_url=base, timeout=20, limits=limits
    ) as client:

        async def fetch(path):
            answer = await client.get(path)
            answer.raise_for_status()
            return answer.content

        await hls.Player(fetch, options.folder, options.seed).play(options.seconds)


if __name__ == "__main__":
    asyncio.run(main())
