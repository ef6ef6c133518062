#!/bin/bash
# Makes the sample captures anew: real clients, real servers, two network namespaces.
#
#   sudo samples/make.sh [FOLDER]      FOLDER defaults to the folder of this script
#
# Takes about five minutes. Needs root, Debian 12 and these packages (README.md says what each does):
#   apt-get install --no-install-recommends tcpdump iproute2 ethtool openssl curl wget lftp aria2 swaks msmtp \
#     isync libio-socket-ssl-perl libnet-ssleay-perl openssh-client openssh-server vsftpd nginx-light \
#     lighttpd lighttpd-mod-gnutls postfix dovecot-imapd prosody ngircd weechat-headless weechat-plugins \
#     ffmpeg baresip-core openvpn python3 python3-slixmpp python3-aiortc python3-libtorrent
# Nothing of the machine's own configuration is used or changed. On exit, also by Ctrl-C, the namespaces
# and all that runs in them are removed.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath "${1:-$here}")
lab=$here/lab
umask 022
work=$(mktemp -d /tmp/undertone-samples.XXXXXX)
chmod 755 "$work"
export lab work
# Every text, file and password of the laboratory holds this word; no capture may.
export canary=undertone-canary-words
# shellcheck source=lab/network.sh
. "$lab/network.sh"
# shellcheck source=lab/servers.sh
. "$lab/servers.sh"
# shellcheck source=lab/clients.sh
. "$lab/clients.sh"

# capture INTERFACE FILE DRIVER...: runs the driver while the client's interface is captured.
capture() {
    local interface=$1 file=$2 tcpdump
    shift 2
    : >"$work/log/tcpdump.log"
    ip netns exec undertone-client tcpdump -n -Z root -i "$interface" -s 0 -U -w "$work/capture.pcap" 2>"$work/log/tcpdump.log" &
    tcpdump=$!
    until grep -q "listening on" "$work/log/tcpdump.log"; do sleep 0.1; done
    echo "== $(basename "$file"): $*"
    "$@"
    sleep 1
    kill "$tcpdump"
    wait "$tcpdump" || true
    grep -q "^0 packets dropped by kernel" "$work/log/tcpdump.log" || fail "tcpdump dropped packets, see below" "$work/log/tcpdump.log"
    ! grep -aq "$canary" "$work/capture.pcap" || fail "plain text of the laboratory is readable in $file"
    mkdir -p "$(dirname "$file")"
    mv "$work/capture.pcap" "$file"
}

# All activities at once, as on a desk where much goes on.
everything() {
    local seconds=$1
    local jobs=()
    streaming 3 "$seconds" & jobs+=($!)
    chat 4 "$seconds" & jobs+=($!)
    email 6
    files 6 16000
    p2p 3 24000
    voip 3 $((seconds / 3))
    wait "${jobs[@]}"
}

# One activity at a time, many short sessions: a folder per class, as `prepare` reads it.
by_class() {
    local interface=$1 prefix=$2
    capture "$interface" "$out/by-class/${prefix}Email/email.pcap" email 15
    capture "$interface" "$out/by-class/${prefix}Chat/chat.pcap" chat 12 7
    capture "$interface" "$out/by-class/${prefix}File_transfer/files.pcap" files 18 4000
    capture "$interface" "$out/by-class/${prefix}P2P/p2p.pcap" p2p 6 9000
    capture "$interface" "$out/by-class/${prefix}VoIP/voip.pcap" voip 6 2
    capture "$interface" "$out/by-class/${prefix}Streaming/streaming.pcap" streaming 6 3
}

[ "$(id -u)" = 0 ] || fail "must run as root: network namespaces need it"
network_up
servers_up
capture undertone-c "$out/sample.pcap" everything 13
by_class undertone-c ""
tunnel_up
capture tun0 "$out/sample-vpn.pcap" everything 9
by_class tun0 VPN-
/usr/bin/python3 "$lab/label.py" "$work/services.tsv" "$out" >"$work/labels.tsv"
mv "$work/labels.tsv" "$out/labels.tsv"
/usr/bin/python3 "$lab/label.py" --summary "$work/services.tsv" "$out"
