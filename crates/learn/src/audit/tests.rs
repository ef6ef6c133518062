//! Made datasets in which exactly one field tells the class: the audit must name it, and no other.

mod kinds;
pub(in crate::audit) mod made;
mod trust;

use rand_chacha::ChaCha8Rng;

use super::*;
use made::{Hello, Lots, subject};

/// What a field alone must score where it tells the class, and must not where it does not.
const TELLS: f64 = 0.95;
const IS_SILENT: f64 = 0.75;

/// The one place that calls the API: the fields that tell the class, and nothing between.
#[track_caller]
fn check(
    policy: &str,
    tell: impl Fn(&mut Lots, u8, &mut ChaCha8Rng),
    expected: &[(&str, FieldPlace)],
) {
    check_audit(&subject(policy, &tell).audit(), expected);
}

/// Every field tells the class or is silent, and these tell it.
#[track_caller]
fn check_audit(audit: &Audit, expected: &[(&str, FieldPlace)]) {
    let mut telling = Vec::new();
    for field in &audit.fields {
        let accuracy = field.scores[0].accuracy;
        assert!(
            !(IS_SILENT..TELLS).contains(&accuracy),
            "`{}` scores {accuracy}",
            field.field
        );
        if accuracy >= TELLS {
            telling.push((field.field.as_str(), field.place));
        }
    }
    assert_eq!(telling, expected);
}

use FieldPlace::{Beside, Slice};

#[test]
fn time_to_live_is_found_out() {
    check(
        "paper",
        |lots, class, _| lots.ip.ttl = 64 + class,
        &[("ttl", Slice)],
    );
}

#[test]
fn identification_is_found_out() {
    check(
        "paper",
        |lots, class, _| {
            // A high bit of the whole number would show in the checksum too.
            lots.ip.identification = lots.ip.identification & 0xff7f | u16::from(class) << 7;
        },
        &[("ip-id", Slice)],
    );
}

#[test]
fn type_of_service_is_found_out() {
    check(
        "paper",
        |lots, class, _| lots.ip.tos = class * 8,
        &[("tos", Slice)],
    );
}

#[test]
fn ports_are_found_out_in_the_slice_and_beside_it() {
    check(
        "paper",
        |lots, class, _| lots.server_port = 443 + u16::from(class) * 550,
        &[("ports", Slice), ("server-port", Beside)],
    );
}

#[test]
fn a_field_that_the_policy_zeroes_is_told_from_one_that_models_see() {
    check(
        "strict",
        |lots, class, _| lots.server_port = 443 + u16::from(class) * 550,
        &[("server-port", Beside)],
    );
}

#[test]
fn sequence_numbers_are_found_out() {
    check(
        "paper",
        |lots, class, _| lots.tcp.sequence = lots.tcp.sequence >> 1 | u32::from(class) << 31,
        &[("sequence", Slice)],
    );
}

#[test]
fn acknowledgement_numbers_are_found_out() {
    check(
        "paper",
        |lots, class, _| {
            lots.tcp.acknowledgement = lots.tcp.acknowledgement >> 1 | u32::from(class) << 31;
        },
        &[("acknowledgement", Slice)],
    );
}

#[test]
fn flags_are_found_out() {
    check(
        "paper",
        |lots, class, _| lots.tcp.flags = 0x10 | class << 3,
        &[("tcp-flags", Slice)],
    );
}

#[test]
fn windows_are_found_out() {
    check(
        "paper",
        |lots, class, _| lots.tcp.window = 64_240 + u16::from(class) * 1295,
        &[("window", Slice)],
    );
}

#[test]
fn the_largest_segment_is_found_out() {
    check(
        "paper",
        |lots, class, _| lots.largest_segment = 1460 - u16::from(class) * 80,
        &[("maximum-segment", Slice)],
    );
}

#[test]
fn the_window_scale_is_found_out() {
    check(
        "paper",
        |lots, class, _| lots.window_scale = 7 + class,
        &[("window-scale", Slice)],
    );
}

#[test]
fn time_stamps_are_found_out() {
    check(
        "paper",
        |lots, class, _| lots.clock = lots.clock >> 1 | u32::from(class) << 31,
        &[("timestamps", Slice)],
    );
}

#[test]
fn a_server_name_is_found_out() {
    check(
        "payload",
        |lots, class, random| {
            let hello = Hello {
                server_name: [*b"mail.one", *b"chat.two"][usize::from(class)],
                ..Hello::draw(random, true)
            };
            lots.payload = hello.bytes();
        },
        &[("server-name", Slice)],
    );
}

#[test]
fn cipher_suites_are_found_out() {
    check(
        "payload",
        |lots, class, random| {
            let hello = Hello {
                cipher_suite: 0x1301 + u16::from(class),
                ..Hello::draw(random, true)
            };
            lots.payload = hello.bytes();
        },
        &[("client-hello-cipher-suites", Slice)],
    );
}

#[test]
fn the_version_line_of_ssh_is_found_out() {
    check(
        "paper",
        |lots, class, _| {
            let line = [b"SSH-2.0-one\r\n", b"SSH-2.0-two\r\n"][usize::from(class)];
            lots.payload.splice(..0, line.iter().copied());
        },
        &[("ssh-banner", Slice)],
    );
}

#[test]
fn what_a_payload_begins_with_is_found_out() {
    check(
        "paper",
        |lots, class, _| lots.payload[..2].copy_from_slice(&[b'A' + class, b' ']),
        &[("payload", Slice)],
    );
}

#[test]
fn lengths_are_found_out_wherever_they_show() {
    let audit = subject("paper", &|lots, class, _| {
        lots.payload.truncate(30 + usize::from(class));
    })
    .audit();
    let score = |name: &str| {
        let field = audit.fields.iter().find(|field| field.field == name);
        field.unwrap().scores[0].accuracy
    };
    for name in ["ip-length", "padding", "packet-lengths", "payload"] {
        assert!(score(name) > TELLS, "{name}");
    }
    assert!(score("ttl") < IS_SILENT);
}

#[test]
fn the_one_byte_that_tells_is_found_where_it_is() {
    let audit = subject("ip", &|lots, class, _| lots.ip.ttl = 64 + class).audit();
    let best = &audit.bytes.best[0];
    // The ninth byte of an IPv4 header.
    assert_eq!((best.offset, best.field.as_str()), (8, "ttl"));
    assert!((best.accuracy - 1.0).abs() < 1e-12);
}

#[test]
fn the_same_dataset_gives_the_same_audit_on_any_number_of_threads() {
    let subject = subject("paper", &|lots, class, _| lots.ip.ttl = 64 + class);
    let audit = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| subject.audit().to_json())
    };
    assert_eq!(audit(1), audit(3));
}
