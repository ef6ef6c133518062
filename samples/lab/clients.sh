# The clients: one function per activity, each going round its applications in turn so that none is missed.
# Sourced by make.sh.

client_address=10.77.2.2
client_interface=undertone-c

# run NAME SECONDS COMMAND...: one client, its output in a log; what fails stops the whole run.
run() {
    local name=$1 seconds=$2 status=0
    shift 2
    echo "## $*" >>"$work/log/client-$name.log"
    in_client timeout -k 2 "$seconds" "$@" >>"$work/log/client-$name.log" 2>&1 </dev/null || status=$?
    [ $status = 0 ] || fail "client $name ended with status $status" "$work/log/client-$name.log"
}

# A short rest between two things a person does.
rest() { sleep "0.$((RANDOM % 8 + 1))"; }

# tls_version: half of the sessions of clients that can choose stay with TLS 1.2.
tls_version() { ((RANDOM % 2)) && echo 1.2 || echo 1.3; }

# email COUNT: send and fetch.
email() {
    local turn message host
    for ((turn = 0; turn < $1; turn++)); do
        message=$work/run/message
        letter $((200 + RANDOM % 3000)) >"$message"
        case $((turn % 6)) in
        0) run swaks 20 swaks --server "$(name_of 10.77.1.20)" --port 587 --tls --tls-verify --tls-ca-path "$work/pki/ca.pem" \
            --helo client.example.org --from ada@example.org --to ben@example.org \
            --auth PLAIN --auth-user ada --auth-password "$canary" --data "@$message" ;;
        1) run curl-imaps 20 curl -sS --cacert "$work/pki/ca.pem" --tls-max "$(tls_version)" -u "ada:$canary" \
            "imaps://$(name_of 10.77.1.21)/INBOX;MAILINDEX=$((1 + RANDOM % 12))" -o "$work/run/mail" ;;
        2) run msmtp 20 sh -c 'msmtp "$@" <'"$message" msmtp --file=/dev/null --host="$(name_of 10.77.1.20)" --port=465 --tls=on --tls-starttls=off \
            --tls-trust-file="$work/pki/ca.pem" --auth=plain --user=ada --passwordeval="echo $canary" \
            --from=ada@example.org ben@example.org ;;
        3) run imaplib 20 /usr/bin/python3 "$lab/imap.py" "$(name_of 10.77.1.21)" ;;
        4) run curl-smtps 20 curl -sS --cacert "$work/pki/ca.pem" --tls-max "$(tls_version)" -u "ada:$canary" \
            "smtps://$(name_of 10.77.1.20)/client.example.org" --mail-from ada@example.org --mail-rcpt ben@example.org -T "$message" ;;
        5) host=$(name_of 10.77.1.21)
            mkdir -p "$work/home/mail-$turn"
            printf '%s\n' "IMAPAccount a" "Host $host" "User ada" "Pass $canary" "SSLType $( ((RANDOM % 2)) && echo IMAPS || echo STARTTLS)" \
                "CertificateFile $work/pki/ca.pem" "" "IMAPStore far" "Account a" "" "MaildirStore near" "Path $work/home/" "Inbox $work/home/mail-$turn/" "" \
                "Channel c" "Far :far:" "Near :near:" "Sync Pull" "MaxMessages 3" "ExpireUnread yes" "SyncState $work/home/state-$RANDOM$RANDOM" >"$work/run/mbsyncrc"
            run mbsync 20 mbsync -c "$work/run/mbsyncrc" c ;;
        esac
        rest
    done
}

# chat COUNT SECONDS: conversations side by side.
chat() {
    local turn host nick jobs=()
    for ((turn = 0; turn < $1; turn++)); do
        case $((turn % 4)) in
        0) run xmpp-starttls $(($2 + 20)) /usr/bin/python3 "$lab/xmpp.py" talk "ada@$(name_of 10.77.1.30)" starttls "$2" & jobs+=($!) ;;
        1) host=$(name_of 10.77.1.31) nick=n$RANDOM
            run weechat $(($2 + 20)) weechat-headless -d "$work/home/weechat-$RANDOM$RANDOM" -P irc -r "/set weechat.network.gnutls_ca_user $work/pki/ca.pem;/server add x $host/6697 -ssl -nicks=$nick -autojoin=#sample;/connect x;/wait 3 /msg -server x #sample $canary hello;/wait $(($2 / 2 + 2)) /msg -server x #sample $canary how are you all;/wait $(($2 - 1)) /msg -server x #sample $canary see you;/wait $2 /quit" & jobs+=($!) ;;
        2) run xmpp-direct $(($2 + 20)) /usr/bin/python3 "$lab/xmpp.py" talk "ada@$(name_of 10.77.1.30)" direct "$2" & jobs+=($!) ;;
        3) run irc $(($2 + 20)) /usr/bin/python3 "$lab/irc.py" "$(name_of 10.77.1.31)" "n$RANDOM" "$2" & jobs+=($!) ;;
        esac
        rest
    done
    wait_all "${jobs[@]}"
}

# wait_all PROCESS...: waits for each, and fails if one failed.
wait_all() {
    local process
    for process; do wait "$process" || exit 1; done
}

# files COUNT BYTES: transfers of about that size, up and down.
files() {
    local turn size up=$work/run/up.bin ssh=(-q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i "$work/pki/user_key")
    for ((turn = 0; turn < $1; turn++)); do
        size=$(($2 / 2 + RANDOM % $2))
        random_file $size "$up"
        case $((turn % 6)) in
        0) printf 'get %s %s\nput %s %s\n' "$work/files/$2.bin" "$work/run/down.bin" "$up" "$work/run/in.bin" >"$work/run/batch"
            run sftp 20 sftp "${ssh[@]}" -b "$work/run/batch" "root@$(name_of 10.77.1.10)" ;;
        1) run curl-https 20 curl -sS --cacert "$work/pki/ca.pem" --tls-max "$(tls_version)" -o "$work/run/down.bin" "https://$(name_of 10.77.1.12)/files/$2.bin" ;;
        2) run lftp 20 lftp -e "set ssl:ca-file $work/pki/ca.pem; set ftp:ssl-force true; set ftp:ssl-protect-data true; set ftp:ssl-allow-anonymous true; set xfer:clobber true; get $2.bin -o $work/run/down.bin; bye" "ftp://$(name_of 10.77.1.11)" ;;
        3) run wget 20 wget -q --ca-certificate="$work/pki/ca.pem" -O "$work/run/down.bin" "https://$(name_of 10.77.1.13)/files/$2.bin" ;;
        4) run scp 20 scp "${ssh[@]}" "$up" "root@$(name_of 10.77.1.10):$work/run/in.bin" ;;
        5) run curl-ftps 20 curl -sS --cacert "$work/pki/ca.pem" --ssl-reqd --tls-max "$(tls_version)" -T "$up" "ftp://$(name_of 10.77.1.11)/in/$RANDOM$RANDOM.bin" ;;
        esac
        rest
    done
}

# streaming COUNT SECONDS: at most three players at a time.
streaming() {
    local turn jobs=()
    for ((turn = 0; turn < $1; turn++)); do
        case $((turn % 3)) in
        0) run ffmpeg-hls $(($2 + 15)) ffmpeg -v error -re -tls_verify 1 -ca_file "$work/pki/ca.pem" -i "https://$(name_of 10.77.1.40)/video_$((RANDOM % 2)).m3u8" -t "$2" -c copy -f null - & jobs+=($!) ;;
        1) run player $(($2 + 15)) /usr/bin/python3 "$lab/player.py" "$(name_of 10.77.1.4$((RANDOM % 2)))" "$2" & jobs+=($!) ;;
        2) run ffmpeg-film $(($2 + 15)) ffmpeg -v error -re -tls_verify 1 -ca_file "$work/pki/ca.pem" -i "https://$(name_of 10.77.1.41)/film.mp4" -t "$2" -c copy -f null - & jobs+=($!)
            wait_all "${jobs[@]}"
            jobs=() ;;
        esac
        rest
    done
    [ ${#jobs[@]} = 0 ] || wait_all "${jobs[@]}"
}

# voip COUNT SECONDS: calls one after another.
voip() {
    local turn
    for ((turn = 0; turn < $1; turn++)); do
        case $((turn % 3)) in
        0) sip_call "$2" srtp-mand opus/48000/2 ;;
        1) webrtc_call "$2" ;;
        2) sip_call "$2" dtls_srtp PCMA/8000/1 ;;
        esac
        rest
    done
}

# sip_call SECONDS ENCRYPTION CODEC
sip_call() {
    local port=$((5061 + RANDOM % 20000)) caller=$work/home/caller-$RANDOM$RANDOM callee=$work/home/callee-$RANDOM$RANDOM answering
    telephone "$caller" ada 5060 "$2" "$3" "$client_interface"
    telephone "$callee" ben "$port" "$2" "$3" undertone-s
    in_server timeout -k 2 $(($1 + 6)) baresip -f "$callee" -t $(($1 + 3)) >"$work/log/callee.log" 2>&1 </dev/null &
    answering=$!
    wait_for 10.77.1.50 $((port + 1))
    : >"$work/log/client-baresip.log"
    run baresip $(($1 + 10)) baresip -f "$caller" -e "/dial sip:ben@10.77.1.50:$((port + 1));transport=tls" -t "$1"
    grep -q "Call established" "$work/log/client-baresip.log" || fail "the SIP call was not established" "$work/log/client-baresip.log"
    wait $answering || true
}

# telephone FOLDER USER PORT ENCRYPTION CODEC INTERFACE: a configuration for baresip; SIP over TLS is on PORT + 1.
telephone() {
    local rtp=$((10000 + RANDOM % 40000))
    mkdir -p "$1"
    cat >"$1/config" <<-END
	poll_method epoll
	net_interface $6
	sip_listen 0.0.0.0:$3
	sip_certificate $work/pki/rsa.both
	sip_cafile $work/pki/ca.pem
	sip_verify_server no
	audio_source aufile,$work/speech.wav
	audio_player aufile,/dev/null
	audio_alert aufile,/dev/null
	ausrc_srate 48000
	ausrc_channels 1
	rtp_ports $rtp-$((rtp + 2000))
	module_path $(dirname "$(find /usr/lib -path '*/baresip/modules/opus.so' | head -n 1)")
	module stdio.so
	module opus.so
	module g711.so
	module aufile.so
	module srtp.so
	module dtls_srtp.so
	module_tmp uuid.so
	module_tmp account.so
	module_app menu.so
	opus_bitrate 24000
	opus_application voip
	END
    echo "<sip:$2@0.0.0.0;transport=tls>;regint=0;answermode=auto;mediaenc=$4;ptime=20;audio_codecs=$5" >"$1/accounts"
    : >"$1/contacts"
}

# webrtc_call SECONDS: offer and answer pass through files; ICE, DTLS-SRTP and opus through the network.
webrtc_call() {
    local signals=$work/run/webrtc-$RANDOM$RANDOM
    mkdir "$signals"
    in_server timeout -k 2 $(($1 + 25)) /usr/bin/python3 "$lab/webrtc.py" answer "$signals" 10.77.1.51 "$1" >"$work/log/webrtc-answer.log" 2>&1 </dev/null &
    local answering=$!
    run webrtc $(($1 + 25)) /usr/bin/python3 "$lab/webrtc.py" offer "$signals" "$client_address" "$1"
    wait $answering || fail "the WebRTC call failed" "$work/log/webrtc-answer.log"
}

# p2p COUNT BYTES: fetches torrents of that size, encryption required by both ends.
p2p() {
    local turn torrent target
    for ((turn = 0; turn < $1; turn++)); do
        torrent=$work/torrents/$2-$((1 + RANDOM % 2)).torrent
        target=$work/run/leech-$RANDOM$RANDOM
        mkdir "$target"
        case $((turn % 3)) in
        0) run libtorrent-tcp 40 /usr/bin/python3 "$lab/torrent.py" fetch-tcp "$torrent" "$target" $((20000 + RANDOM % 30000)) ;;
        1) run aria2 40 aria2c --enable-dht=false --bt-enable-lpd=false --bt-require-crypto=true --bt-min-crypto-level=arc4 \
            --bt-tracker=http://127.0.0.1:6969/announce --enable-peer-exchange=false \
            --seed-time=0 --summary-interval=0 --listen-port=$((20000 + RANDOM % 30000)) -d "$target" "$torrent" ;;
        2) run libtorrent-utp 40 /usr/bin/python3 "$lab/torrent.py" fetch-utp "$torrent" "$target" $((20000 + RANDOM % 30000)) ;;
        esac
        rest
    done
}
