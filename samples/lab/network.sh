# Two network namespaces and the cable between them. Sourced by make.sh.
#
#   undertone-client  10.77.2.2 on undertone-c; inside the tunnel 10.88.0.2 on tun0
#   undertone-server  10.77.0.1 on undertone-s is the client's gateway; services have addresses 10.77.1.x

fail() {
    echo "error: $1" >&2
    [ $# -lt 2 ] || tail -n 20 "$2" >&2
    exit 1
}

# Programs see this environment and not the caller's: proxies and certificate stores stay outside.
in_namespace() {
    local space=$1
    shift
    env -i PATH="$PATH" HOME="$work/home" SSL_CERT_FILE="$work/pki/ca.pem" lab="$lab" work="$work" canary="$canary" \
        ip netns exec "undertone-$space" "$@"
}
in_client() { in_namespace client "$@"; }
in_server() { in_namespace server "$@"; }

network_up() {
    local space
    for space in undertone-client undertone-server; do
        ! ip netns list | grep -qw "$space" || fail "namespace $space exists: another run is going on, or was killed (then: ip netns delete $space)"
    done
    trap network_down EXIT
    trap 'exit 130' INT TERM
    mkdir -p "$work"/{log,run,conf,home,pki}
    for space in undertone-client undertone-server; do
        ip netns add "$space"
        ip -n "$space" link set lo up
        ip netns exec "$space" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
            net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
        mkdir -p "/etc/netns/$space"
    done
    ip link add undertone-c netns undertone-client type veth peer name undertone-s netns undertone-server
    # Without this the capture would hold 64 kB "packets" with wrong checksums that no wire carries.
    in_client ethtool -K undertone-c tso off gso off gro off tx off rx off >/dev/null
    in_server ethtool -K undertone-s tso off gso off gro off tx off rx off >/dev/null
    ip -n undertone-client addr add 10.77.2.2/32 dev undertone-c
    ip -n undertone-client link set undertone-c up
    ip -n undertone-server link set undertone-s up
    name_services
    # All of 10.77.1.x is local to the server without being an address of one interface: libtorrent would
    # tie itself to that interface, and hear nothing from the tunnel. Only baresip wants such an address.
    ip -n undertone-server route add local 10.77.1.0/24 dev lo
    ip -n undertone-server addr add 10.77.1.50/32 dev undertone-s
    ip -n undertone-server addr add 10.77.0.1/32 dev undertone-s
    # Host routes on both ends: nothing is on-link, so that a tunnel can take over all traffic.
    ip -n undertone-server route add 10.77.2.2 dev undertone-s src 10.77.1.50
    ip -n undertone-client route add 10.77.0.1 dev undertone-c
    ip -n undertone-client route add default via 10.77.0.1
}

# Each service has an address of its own, so that the address says what a session is: services.tsv is the
# drivers' own knowledge, from which label.py makes labels.tsv. Host names are drawn from one pool for all
# classes, six an address: the server name in a TLS greeting does not tell the class.
name_services() {
    local address class application name hosts=/etc/netns/undertone-client/hosts
    echo "127.0.0.1 localhost" >"$hosts"
    while read -r address class application; do
        printf '%s\t%s\t%s\n' "$address" "$class" "$application" >>"$work/services.tsv"
        for _ in 1 2 3 4 5 6; do
            name=$(random_name)
            echo "$address $name.example.org" >>"$hosts"
            echo "$name.example.org" >>"$work/names.$address"
        done
    done <<-END
	10.77.1.50 VoIP baresip, SIP over TLS and SRTP
	10.77.1.10 File_transfer OpenSSH sftp-server and sshd
	10.77.1.11 File_transfer vsftpd, FTP over TLS
	10.77.1.12 File_transfer nginx, HTTPS download (OpenSSL)
	10.77.1.13 File_transfer lighttpd, HTTPS download (GnuTLS)
	10.77.1.20 Email postfix, submission
	10.77.1.21 Email dovecot, IMAP
	10.77.1.30 Chat prosody, XMPP
	10.77.1.31 Chat ngircd, IRC over TLS
	10.77.1.40 Streaming nginx, HLS video (OpenSSL)
	10.77.1.41 Streaming lighttpd, progressive and HLS video (GnuTLS)
	10.77.1.51 VoIP aiortc, WebRTC audio
	10.77.1.61 P2P libtorrent seed
	10.77.1.62 P2P libtorrent seed
	10.77.1.63 P2P libtorrent seed
	10.77.1.64 P2P libtorrent seed
	10.77.1.70 - OpenVPN gateway
	END
    cp "$hosts" /etc/netns/undertone-server/hosts
    # No name server: a look-up beyond the hosts file fails on the loopback, unseen.
    echo "nameserver 127.0.0.1" | tee /etc/netns/undertone-{client,server}/resolv.conf >/dev/null
}

random_name() {
    local syllables=(ba ke li mo nu ra se ti vo za) name="" count=$((2 + RANDOM % 3))
    while ((count-- > 0)); do name+=${syllables[RANDOM % 10]}; done
    echo "$name$((RANDOM % 1000))"
}

# name_of ADDRESS: one of its names.
name_of() { shuf -n 1 "$work/names.$1"; }

# From here on the client reaches the services through OpenVPN, and is 10.88.0.2.
tunnel_up() {
    : >"$work/log/openvpn-client.log"
    in_client openvpn --config "$work/conf/openvpn-client.conf" >"$work/log/openvpn-client.log" 2>&1 &
    local tries=100
    until grep -q "Initialization Sequence Completed" "$work/log/openvpn-client.log"; do
        ((tries-- > 0)) || fail "the tunnel does not come up" "$work/log/openvpn-client.log"
        sleep 0.1
    done
    ip -n undertone-server route replace 10.88.0.0/24 dev tun0 src 10.77.1.50
    client_address=10.88.0.2
    client_interface=tun0
}

# Ends what runs in our namespaces, and nothing else.
network_down() {
    local space signal
    for signal in TERM KILL; do
        for space in undertone-client undertone-server; do
            # shellcheck disable=SC2046 # a list of process numbers
            kill "-$signal" $(ip netns pids "$space" 2>/dev/null) 2>/dev/null || true
        done
        sleep 1
    done
    for space in undertone-client undertone-server; do
        ip netns delete "$space" 2>/dev/null || true
        rm -rf "/etc/netns/$space"
    done
    # For a look at the logs: KEEP_WORK=1 samples/make.sh
    if [ -n "${KEEP_WORK:-}" ]; then echo "kept $work"; else rm -rf "$work"; fi
}
