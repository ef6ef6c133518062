"""torrent.py: BitTorrent with encryption required.

create FOLDER                       one torrent for each file in FOLDER/seed
seed FOLDER ADDRESS PORT            share them all, for ever
fetch-tcp|fetch-utp TORRENT FOLDER PORT   download one
"""

import glob
import os
import sys
import time

import libtorrent


def session(interface, **more):
    """A session that neither makes nor accepts a plain connection and looks for peers nowhere else."""
    settings = {
        "listen_interfaces": interface, "enable_dht": False, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "out_enc_policy": 0, "in_enc_policy": 0, "allowed_enc_level": 2, "prefer_rc4": True,
        "allow_multiple_connections_per_ip": True, "enable_ip_notifier": False,
    }
    return libtorrent.session({**settings, **more})


def create(folder):
    for name in os.listdir(f"{folder}/seed"):
        files = libtorrent.file_storage()
        libtorrent.add_files(files, f"{folder}/seed/{name}")
        torrent = libtorrent.create_torrent(files, 16384, libtorrent.create_torrent.v1_only)
        libtorrent.set_piece_hashes(torrent, f"{folder}/seed")
        with open(f"{folder}/{name.removesuffix('.bin')}.torrent", "wb") as file:
            file.write(libtorrent.bencode(torrent.generate()))


def seed(folder, address, port):
    # A seed only answers: otherwise it would go on calling peers that have left.
    peer = session(f"{address}:{port}", enable_outgoing_tcp=False, enable_outgoing_utp=False)
    for name in os.listdir(folder):
        if name.endswith(".torrent"):
            parameters = libtorrent.add_torrent_params()
            parameters.ti = libtorrent.torrent_info(f"{folder}/{name}")
            parameters.save_path = f"{folder}/seed"
            parameters.flags |= libtorrent.torrent_flags.seed_mode
            peer.add_torrent(parameters)
    # The clients' side learns from these files where the seeds are.
    with open(f"{folder}/{address}.peer", "w") as file:
        file.write(f"{address}:{port}")
    while True:
        time.sleep(1)


def fetch(transport, torrent, folder, port):
    peer = session(
        f"0.0.0.0:{port}",
        enable_outgoing_tcp=transport == "tcp", enable_outgoing_utp=transport == "utp",
        enable_incoming_tcp=transport == "tcp", enable_incoming_utp=transport == "utp",
    )
    parameters = libtorrent.add_torrent_params()
    parameters.ti = libtorrent.torrent_info(torrent)
    parameters.save_path = folder
    download = peer.add_torrent(parameters)
    for path in glob.glob(f"{os.path.dirname(torrent)}/*.peer"):
        with open(path) as file:
            address, seed_port = file.read().split(":")
        download.connect_peer((address, int(seed_port)))
    while not download.status().is_seeding:
        time.sleep(0.2)
    time.sleep(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["create", folder]:
            create(folder)
        case ["seed", folder, address, port]:
            seed(folder, address, port)
        case ["fetch-tcp" | "fetch-utp" as action, torrent, folder, port]:
            fetch(action.removeprefix("fetch-"), torrent, folder, port)
        case _:
            sys.exit(__doc__)
