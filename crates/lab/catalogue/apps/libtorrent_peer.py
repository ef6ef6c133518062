"""A BitTorrent peer on libtorrent that speaks only encrypted (MSE, RC4): seeds, or leeches from one peer."""

import argparse
import random
import time
from pathlib import Path

import libtorrent

from torrent import write_some

AGENTS = ["qBittorrent/4.5.2", "Deluge/2.0.3 libtorrent/2.0.8.0", "libtorrent/2.0.8"]


def session(port, agent, limits):
    """Finds no peers by itself: no DHT, no local discovery, no port mapping."""
    return libtorrent.session(
        {
            "listen_interfaces": f"0.0.0.0:{port}",
            "user_agent": agent,
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "out_enc_policy": int(libtorrent.enc_policy.pe_forced),
            "in_enc_policy": int(libtorrent.enc_policy.pe_forced),
            "allowed_enc_level": int(libtorrent.enc_level.pe_rc4),
            "allow_multiple_connections_per_ip": True,
            **limits,
        }
    )


def add(peers, torrent, folder, is_seed):
    wanted = libtorrent.add_torrent_params()
    wanted.ti = libtorrent.torrent_info(str(torrent))
    wanted.save_path = str(folder)
    if is_seed:
        wanted.flags |= libtorrent.torrent_flags.seed_mode
    return peers.add_torrent(wanted)


def seed(options):
    limits = {
        "upload_rate_limit": options.rate,
        # All files at once, not the five that libtorrent seeds at a time.
        "active_seeds": -1,
        "active_limit": -1,
        # A client that is gone is not called back: its address may be another run's by then.
        "enable_outgoing_tcp": False,
        "enable_outgoing_utp": False,
    }
    peers = session(options.port, AGENTS[2], limits)
    for torrent in sorted(options.torrents.glob("*.torrent")):
        add(peers, torrent, options.files, is_seed=True).set_max_uploads(100)
    print("seeding", flush=True)
    while True:
        time.sleep(60)


def leech(options):
    drawn = random.Random(options.seed)
    limits = {
        "download_rate_limit": options.rate,
        "upload_rate_limit": options.rate,
        "min_reconnect_time": 2,
    }
    for kind in ("tcp", "utp"):
        limits[f"enable_outgoing_{kind}"] = kind == options.transport
        limits[f"enable_incoming_{kind}"] = kind == options.transport
    peers = session(drawn.randrange(10000, 60000), drawn.choice(AGENTS), limits)
    torrents = write_some(options.files, Path("torrents"), options.count, options.seed)
    address, port = options.peer.rsplit(":", 1)
    end = time.monotonic() + options.seconds
    shares = []
    for torrent in torrents:
        shares.append(add(peers, torrent, Path("."), is_seed=False))
        shares[-1].connect_peer((address, int(port)))
        # Transmission takes one handshake at a time from an address.
        time.sleep(drawn.uniform(0.5, 3))
    while time.monotonic() < end and not all(share.status().is_seeding for share in shares):
        for share in shares:
            # Also after a lost connection: a torrent without a tracker finds no peer again.
            if share.status().num_peers == 0 and not share.status().is_seeding:
                share.connect_peer((address, int(port)))
        time.sleep(1)
    for torrent, share in zip(torrents, shares):
        print(f"{torrent.name}: {share.status().progress:.0%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    roles = parser.add_subparsers(required=True)
    for name, role in (("seed", seed), ("leech", leech)):
        arguments = roles.add_parser(name)
        arguments.set_defaults(role=role)
        arguments.add_argument("--files", type=Path, required=True, help="folder of files shared")
        arguments.add_argument("--rate", type=int, default=0, help="most bytes a second, 0 for any")
        if role is seed:
            arguments.add_argument("--port", type=int, required=True)
            arguments.add_argument("--torrents", type=Path, required=True)
        else:
            arguments.add_argument("--peer", required=True, metavar="ADDRESS:PORT")
            arguments.add_argument("--transport", choices=["tcp", "utp"], required=True)
            arguments.add_argument("--count", type=int, default=1, help="torrents to load")
            arguments.add_argument("--seed", type=int, required=True)
            arguments.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    options.role(options)


if __name__ == "__main__":
    main()
