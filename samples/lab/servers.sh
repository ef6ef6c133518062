# The servers: each from its own small configuration under $work, as a plain process of the server's
# namespace. Sourced by make.sh.

# serve NAME COMMAND...: starts a server in the background, its output in the log of that name.
serve() {
    local name=$1
    shift
    in_server "$@" >"$work/log/$name.log" 2>&1 </dev/null &
}

# wait_for ADDRESS PORT...: until something listens there.
wait_for() {
    local address=$1 port tries
    shift
    for port; do
        tries=100
        until in_server bash -c ": </dev/tcp/$address/$port" 2>/dev/null; do
            ((tries-- > 0)) || fail "nothing listens on $address port $port" <(tail -n 5 "$work"/log/*)
            sleep 0.2
        done
    done
}

servers_up() {
    make_certificates
    make_contents
    make_video
    start_web
    start_files
    start_mail
    start_chat
    start_swarm
    start_gateway
    wait_for 10.77.1.10 22
    wait_for 10.77.1.11 21
    wait_for 10.77.1.12 443
    wait_for 10.77.1.13 443
    wait_for 10.77.1.20 465 587
    wait_for 10.77.1.21 143 993
    wait_for 10.77.1.30 5222 5223
    wait_for 10.77.1.31 6697
}

# An authority and two wildcard certificates, RSA and elliptic-curve; every client verifies them.
make_certificates() {
    cd "$work/pki"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Undertone sample authority" \
        -keyout ca.key -out ca.pem 2>/dev/null
    make_certificate rsa rsa:2048
    make_certificate ec ec -pkeyopt ec_paramgen_curve:P-256
    cd "$work"
    chmod 644 "$work"/pki/*
}

make_certificate() {
    local name=$1
    shift
    openssl req -x509 -CA ca.pem -CAkey ca.key -newkey "$@" -nodes -days 30 -subj "/CN=example.org" \
        -addext "subjectAltName=DNS:example.org,DNS:*.example.org" -addext basicConstraints=CA:FALSE \
        -keyout "$name.key" -out "$name.crt" 2>/dev/null
    cat "$name.crt" ca.pem >"$name.pem"
    cat "$name.key" "$name.pem" >"$name.both"
}

# random_file BYTES NAME: noise that begins with the canary.
random_file() { { echo "$canary"; head -c "$1" /dev/urandom; } >"$2"; }

# letter BYTES: a message of made-up words.
letter() {
    printf 'From: Ada <ada@example.org>\nTo: Ben <ben@example.org>\nSubject: %s\nMessage-ID: <%s@example.org>\n\n%s\n' \
        "$(random_name)" "$RANDOM$RANDOM$RANDOM" "$canary"
    while read -r line; do echo "$line"; done < <(head -c "$1" /dev/urandom | base64 -w 64 | tr '+/0-9' '        ')
}

make_contents() {
    local size number
    mkdir -p "$work"/{files,mail/new,mail/cur,mail/tmp,www,torrents/seed}
    for size in 4000 16000; do random_file $size "$work/files/$size.bin"; done
    for _ in {1..12}; do letter $((300 + RANDOM % 2500)) >"$work/mail/new/$RANDOM$RANDOM.undertone"; done
    chown -R mail:mail "$work/mail"
    for size in 9000 24000; do
        for number in 1 2; do random_file $size "$work/torrents/seed/$size-$number.bin"; done
    done
    ffmpeg -v error -f lavfi -i "flite=text='The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore. How much wood would a woodchuck chuck.'" \
        -af "aresample=48000,apad=pad_dur=1" -ac 1 "$work/speech.wav" </dev/null
}

# Thirty seconds of test picture: HLS in two qualities, and one progressive file.
make_video() {
    ffmpeg -v error -f lavfi -i "mandelbrot=size=192x108:rate=12" -f lavfi -i "anoisesrc=color=pink:sample_rate=16000" -t 30 \
        -map 0:v -map 0:v -map 1:a -map 1:a -c:v libx264 -preset veryfast -g 12 -keyint_min 12 -sc_threshold 0 \
        -b:v:0 24k -maxrate:v:0 28k -bufsize:v:0 32k -b:v:1 48k -maxrate:v:1 56k -bufsize:v:1 64k -c:a aac -b:a 12k -ac 1 \
        -f hls -hls_time 1 -hls_playlist_type vod -master_pl_name master.m3u8 -var_stream_map "v:0,a:0 v:1,a:1" \
        -hls_segment_filename "$work/www/part_%v_%03d.ts" "$work/www/video_%v.m3u8" </dev/null
    ffmpeg -v error -i "$work/www/video_0.m3u8" -c copy -movflags +faststart "$work/www/film.mp4" </dev/null
    ln -s "$work/files" "$work/www/files"
}

start_web() {
    cat >"$work/conf/nginx.conf" <<-END
	daemon off; user www-data; worker_processes 1; pid $work/run/nginx.pid; error_log $work/log/nginx-error.log;
	events { worker_connections 512; }
	http {
	  include /etc/nginx/mime.types; access_log off; client_body_temp_path $work/run/body; proxy_temp_path $work/run/proxy;
	  fastcgi_temp_path $work/run/fastcgi; uwsgi_temp_path $work/run/uwsgi; scgi_temp_path $work/run/scgi;
	  ssl_protocols TLSv1.2 TLSv1.3; root $work/www;
	  server { listen 10.77.1.12:443 ssl http2; ssl_certificate $work/pki/rsa.pem; ssl_certificate_key $work/pki/rsa.key; }
	  server { listen 10.77.1.40:443 ssl http2; ssl_certificate $work/pki/ec.pem; ssl_certificate_key $work/pki/ec.key; }
	}
	END
    serve nginx nginx -c "$work/conf/nginx.conf"
    cat >"$work/conf/lighttpd.conf" <<-END
	server.modules = ("mod_gnutls")
	server.document-root = "$work/www"
	server.bind = "10.77.1.13"
	server.port = 443
	ssl.engine = "enable"
	ssl.pemfile = "$work/pki/ec.pem"
	ssl.privkey = "$work/pki/ec.key"
	\$SERVER["socket"] == "10.77.1.41:443" {
	  ssl.engine = "enable"
	  ssl.pemfile = "$work/pki/rsa.pem"
	  ssl.privkey = "$work/pki/rsa.key"
	  # Paced, as video hosts do; else a film of any length would be sent at once.
	  connection.kbytes-per-second = 12
	}
	mimetype.assign = (".m3u8" => "application/vnd.apple.mpegurl", ".ts" => "video/mp2t", ".mp4" => "video/mp4", "" => "application/octet-stream")
	END
    serve lighttpd lighttpd -D -f "$work/conf/lighttpd.conf"
}

start_files() {
    ssh-keygen -q -t ed25519 -N "" -f "$work/pki/host_key"
    ssh-keygen -q -t ed25519 -N "" -f "$work/pki/user_key"
    # An sshd that lets only our own key in, and only inside the namespace.
    cat >"$work/conf/sshd.conf" <<-END
	ListenAddress 10.77.1.10
	HostKey $work/pki/host_key
	AuthorizedKeysFile $work/pki/user_key.pub
	PermitRootLogin prohibit-password
	PasswordAuthentication no
	StrictModes no
	UsePAM no
	PidFile none
	Subsystem sftp internal-sftp
	END
    mkdir -p /run/sshd
    serve sshd /usr/sbin/sshd -D -e -f "$work/conf/sshd.conf"
    mkdir -p "$work/ftp/in" "$work/run/empty"
    cp "$work"/files/* "$work/ftp"
    chown ftp "$work/ftp/in"
    cat >"$work/conf/vsftpd.conf" <<-END
	listen=YES
	background=NO
	listen_address=10.77.1.11
	anonymous_enable=YES
	no_anon_password=YES
	anon_root=$work/ftp
	anon_upload_enable=YES
	write_enable=YES
	ssl_enable=YES
	allow_anon_ssl=YES
	force_anon_logins_ssl=YES
	force_anon_data_ssl=YES
	require_ssl_reuse=NO
	ssl_ciphers=HIGH
	rsa_cert_file=$work/pki/rsa.pem
	rsa_private_key_file=$work/pki/rsa.key
	secure_chroot_dir=$work/run/empty
	seccomp_sandbox=NO
	END
    serve vsftpd vsftpd "$work/conf/vsftpd.conf"
}

start_mail() {
    mkdir -p "$work/conf/postfix" "$work/run/postfix" "$work/run/postfix-data"
    chown postfix "$work/run/postfix-data"
    cat >"$work/conf/postfix/main.cf" <<-END
	compatibility_level = 3.6
	queue_directory = $work/run/postfix
	data_directory = $work/run/postfix-data
	maillog_file = $work/log/postfix.log
	maillog_file_prefixes = $work
	myhostname = mail.example.org
	mydestination =
	inet_interfaces = all
	inet_protocols = ipv4
	virtual_mailbox_domains = example.org
	virtual_mailbox_base = $work
	virtual_mailbox_maps = static:mail/
	virtual_uid_maps = static:$(id -u mail)
	virtual_gid_maps = static:$(id -g mail)
	virtual_minimum_uid = 1
	mynetworks = 127.0.0.0/8
	smtpd_tls_chain_files = $work/pki/rsa.both
	smtpd_tls_security_level = encrypt
	smtpd_tls_auth_only = yes
	smtpd_sasl_type = dovecot
	smtpd_sasl_path = $work/run/dovecot/auth-postfix
	smtpd_sasl_auth_enable = yes
	alias_maps =
	END
    cat >"$work/conf/postfix/master.cf" <<-'END'
	submission inet n - n - - smtpd
	smtps inet n - n - - smtpd
	  -o smtpd_tls_wrappermode=yes
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	tlsmgr unix - - n 1000? 1 tlsmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	proxymap unix - - n - - proxymap
	virtual unix - n n - - virtual
	anvil unix - - n - 1 anvil
	postlog unix-dgram n - n - 1 postlogd
	END
    cat >"$work/conf/dovecot.conf" <<-END
	base_dir = $work/run/dovecot
	protocols = imap
	listen = 10.77.1.21
	log_path = $work/log/dovecot.log
	ssl = required
	ssl_cert = <$work/pki/ec.pem
	ssl_key = <$work/pki/ec.key
	mail_location = maildir:$work/mail
	mail_uid = mail
	mail_gid = mail
	first_valid_uid = 1
	mail_max_userip_connections = 50
	passdb {
	  driver = static
	  args = password=$canary
	}
	userdb {
	  driver = static
	  args = uid=mail gid=mail home=$work/mail
	}
	service auth {
	  unix_listener auth-postfix {
	    mode = 0666
	  }
	}
	END
    serve dovecot dovecot -F -c "$work/conf/dovecot.conf"
    serve postfix postfix -c "$work/conf/postfix" start
}

start_chat() {
    local name
    mkdir -p "$work/run/prosody"
    cp "$work/pki/rsa.key" "$work/run/prosody/key.pem"
    {
        cat <<-END
		data_path = "$work/run/prosody"; pidfile = "$work/run/prosody/pid"; daemonize = false
		log = { info = "*console" }
		modules_enabled = { "roster", "saslauth", "tls", "disco", "posix", "ping", "pep", "carbons", "smacks" }
		interfaces = { "10.77.1.30" }; c2s_ports = { 5222 }; c2s_direct_tls_ports = { 5223 }; s2s_ports = {}
		c2s_require_encryption = true; authentication = "internal_plain"
		ssl = { key = "$work/run/prosody/key.pem", certificate = "$work/pki/rsa.pem" }
		END
        while read -r name; do echo "VirtualHost \"$name\""; done <"$work/names.10.77.1.30"
    } >"$work/conf/prosody.cfg.lua"
    while read -r name; do
        mkdir -p "$work/run/prosody/${name//./%2e}/accounts"
        for user in ada ben; do
            echo "return { [\"password\"] = \"$canary\" };" >"$work/run/prosody/${name//./%2e}/accounts/$user.dat"
        done
    done <"$work/names.10.77.1.30"
    chown -R prosody "$work/run/prosody"
    chmod 600 "$work/run/prosody/key.pem"
    serve prosody runuser -u prosody -- prosody --config "$work/conf/prosody.cfg.lua"
    cat >"$work/conf/ngircd.conf" <<-END
	[Global]
	Name = irc.example.org
	Info = Undertone sample
	Listen = 10.77.1.31
	Ports = 0
	ServerUID = irc
	ServerGID = irc
	[Limits]
	MaxConnections = 0
	MaxConnectionsIP = 0
	[Options]
	DNS = no
	Ident = no
	PAM = no
	[SSL]
	CertFile = $work/pki/ec.pem
	KeyFile = $work/pki/ec.key
	Ports = 6697
	[Channel]
	Name = #sample
	END
    serve ngircd ngircd -n -f "$work/conf/ngircd.conf"
    # Someone to talk to: these stay in the server's namespace and are not captured.
    wait_for 10.77.1.30 5222
    wait_for 10.77.1.31 6697
    while read -r name; do
        serve "xmpp-$name" /usr/bin/python3 "$lab/xmpp.py" answer "ben@$name" starttls 0
    done <"$work/names.10.77.1.30"
    serve irc-bot /usr/bin/python3 "$lab/irc.py" "$(name_of 10.77.1.31)" ben 0
}

# Four seeds that accept encrypted peers only. The tracker lives on the client's loopback, out of sight.
start_swarm() {
    local seed
    /usr/bin/python3 "$lab/torrent.py" create "$work/torrents"
    for seed in 61 62 63 64; do
        serve "seed-$seed" /usr/bin/python3 "$lab/torrent.py" seed "$work/torrents" "10.77.1.$seed" $((20000 + RANDOM % 30000))
    done
    in_client /usr/bin/python3 "$lab/tracker.py" "$work/torrents" >"$work/log/tracker.log" 2>&1 &
}

start_gateway() {
    openvpn --genkey tls-crypt "$work/pki/tls-crypt.key"
    cat >"$work/conf/openvpn-server.conf" <<-END
	dev tun0
	dev-type tun
	proto udp
	local 10.77.1.70
	server 10.88.0.0 255.255.255.0
	topology subnet
	ca $work/pki/ca.pem
	cert $work/pki/ec.pem
	key $work/pki/ec.key
	dh none
	verify-client-cert none
	username-as-common-name
	auth-user-pass-verify /bin/true via-file
	script-security 2
	tls-crypt $work/pki/tls-crypt.key
	keepalive 10 60
	disable-dco
	push "redirect-gateway def1"
	END
    printf 'ada\n%s\n' "$canary" >"$work/conf/openvpn-login"
    cat >"$work/conf/openvpn-client.conf" <<-END
	client
	dev tun0
	dev-type tun
	proto udp
	remote 10.77.1.70 1194
	nobind
	ca $work/pki/ca.pem
	auth-user-pass $work/conf/openvpn-login
	tls-crypt $work/pki/tls-crypt.key
	disable-dco
	END
    serve openvpn-server openvpn --config "$work/conf/openvpn-server.conf"
}
