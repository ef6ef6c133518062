//! Statistics: small sessions whose numbers are worked out by hand.

use undertone_traffic::{
    link::LinkType,
    session_table::CutOptions,
    statistics::{CENTIME_NAMES, Statistics, TIME_NAMES},
    synth::Flags,
};

use crate::support::{at_seconds, client, cut_frames, server, tcp_packet, udp_packet};

fn of(packets: &[(f64, Vec<u8>)]) -> Statistics {
    let (mut sessions, _) = cut_frames(
        LinkType::ETHERNET,
        &at_seconds(packets),
        &CutOptions::default(),
    );
    assert_eq!(sessions.len(), 1);
    sessions.remove(0).statistics
}

#[track_caller]
fn check(values: &[f32], names: &[&str], expected: &[(&str, f32)]) {
    assert_eq!(values.len(), expected.len());
    for ((value, name), (expected_name, expected)) in values.iter().zip(names).zip(expected) {
        assert_eq!(name, expected_name);
        assert!(
            (value - expected).abs() < 1e-5 * expected.abs().max(1.0),
            "{name}: {value}"
        );
    }
}

/// Forward at 0, backward at 1 s, forward at 3 s, backward at 9 s, forward at 10 s; payloads
/// of 0, 0, 60, 20 and 0 bytes, headers of 40.
fn five_packets() -> Statistics {
    let up = |flags, payload: &[u8]| tcp_packet(client(), server(), flags, payload);
    let down = |flags, payload: &[u8]| tcp_packet(server(), client(), flags, payload);
    of(&[
        (0.0, up(Flags::SYN, &[])),
        (1.0, down(Flags::SYN | Flags::ACK, &[])),
        (3.0, up(Flags::PSH | Flags::ACK, &[1; 60])),
        (9.0, down(Flags::ACK, &[1; 20])),
        (10.0, up(Flags::FIN | Flags::ACK, &[])),
    ])
}

#[test]
fn the_time_related_features_of_five_packets() {
    // Gaps 1, 2, 6, 1: mean 2.5, squares of differences 2.25 + 0.25 + 12.25 + 2.25 = 17, over
    // 3 is 5.6667, root 2.380476. Forward 3, 7; backward 8. Active 0 to 3 and 9 to 10: 3, 1,
    // mean 2, deviation root 2. Idle 6. Bytes 5 * 40 + 80 = 280.
    check(
        &five_packets().time,
        &TIME_NAMES,
        &[
            ("duration", 10.0),
            ("total_fiat", 10.0),
            ("total_biat", 8.0),
            ("min_fiat", 3.0),
            ("min_biat", 8.0),
            ("max_fiat", 7.0),
            ("max_biat", 8.0),
            ("mean_fiat", 5.0),
            ("mean_biat", 8.0),
            ("flowPktsPerSecond", 0.5),
            ("flowBytesPerSecond", 28.0),
            ("min_flowiat", 1.0),
            ("max_flowiat", 6.0),
            ("mean_flowiat", 2.5),
            ("std_flowiat", 2.380_476),
            ("min_active", 1.0),
            ("mean_active", 2.0),
            ("max_active", 3.0),
            ("std_active", std::f32::consts::SQRT_2),
            ("min_idle", 6.0),
            ("mean_idle", 6.0),
            ("max_idle", 6.0),
            ("std_idle", 0.0),
        ],
    );
}

#[test]
fn the_centime_statistics_of_five_packets() {
    // Flags: SYN, SYN (before ACK), PSH (before ACK), ACK, FIN. Gaps: 17 / 4 = 4.25, root
    // 2.061553. Lengths 40, 40, 100, 60, 40: mean 56, squares 3 * 256 + 1936 + 16 = 2720, over
    // 5 is 544, root 23.323808. Payloads 0, 0, 60, 20, 0: mean 16, the same deviation.
    check(
        &five_packets().centime,
        &CENTIME_NAMES,
        &[
            ("syn_share", 0.4),
            ("urg_share", 0.0),
            ("fin_share", 0.2),
            ("ack_share", 0.2),
            ("psh_share", 0.2),
            ("rst_share", 0.0),
            ("dns_share", 0.0),
            ("tcp_share", 1.0),
            ("udp_share", 0.0),
            ("icmp_share", 0.0),
            ("duration", 10.0),
            ("mean_interarrival", 2.5),
            ("min_interarrival", 1.0),
            ("max_interarrival", 6.0),
            ("std_interarrival", 2.061_553),
            ("mean_length", 56.0),
            ("min_length", 40.0),
            ("max_length", 100.0),
            ("std_length", 23.323_808),
            ("small_tcp_payload_share", 0.8),
            ("mean_tcp_payload", 16.0),
            ("min_tcp_payload", 0.0),
            ("max_tcp_payload", 60.0),
            ("std_tcp_payload", 23.323_808),
            ("dns_share_of_tcp", 0.0),
            ("packets", 5.0),
        ],
    );
}

#[test]
fn a_session_of_one_packet_has_no_times_and_nothing_infinite() {
    let statistics = of(&[(5.0, udp_packet(client(), server(), b"alone"))]);
    check(
        &statistics.time,
        &TIME_NAMES,
        &TIME_NAMES.map(|name| (name, 0.0)),
    );
    // A payload of 5 bytes, headers of 28.
    let expected = CENTIME_NAMES.map(|name| match name {
        "udp_share" | "packets" => (name, 1.0),
        "mean_length" | "min_length" | "max_length" => (name, 33.0),
        _ => (name, 0.0),
    });
    check(&statistics.centime, &CENTIME_NAMES, &expected);
}

#[test]
fn dns_over_tcp_counts_in_both_of_its_shares() {
    let mut dns = server();
    dns.set_port(53);
    let statistics = of(&[(0.0, tcp_packet(client(), dns, Flags::ACK, b"question"))]);
    let shares = [statistics.centime[6], statistics.centime[24]];
    check(
        &shares,
        &["dns_share", "dns_share_of_tcp"],
        &[("dns_share", 1.0), ("dns_share_of_tcp", 1.0)],
    );
}
