//! Logs as Zeek writes them: tab-separated under headers of their own, or JSON lines.
//!
//! Source: <https://docs.zeek.org/en/master/log-formats.html>.

use serde_json::{Map, Value, json};
use traffic::timestamp::Timestamp;

use super::{
    finding::Finding,
    identity::{Identity, community_id},
};

/// Names and types of the fields; names as in Zeek's own log of connections where it has them.
const FIELDS: [(&str, &str); 25] = [
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("duration", "interval"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("vlan", "int"),
    ("community_id", "string"),
    ("verdict", "string"),
    ("class", "string"),
    ("nearest", "string"),
    ("confidence", "double"),
    ("background", "string"),
    ("moment", "string"),
    ("end_reason", "string"),
    ("capture", "string"),
    ("model", "string"),
    ("policy", "string"),
    ("payload_bytes", "count"),
];

/// The lines before the first record, which is of that time.
pub(super) fn header(opened: Timestamp) -> String {
    let names = FIELDS.map(|(name, _)| name).join("\t");
    let types = FIELDS.map(|(_, kind)| kind).join("\t");
    format!(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
         #path\tundertone\n#open\t{}\n#fields\t{names}\n#types\t{types}\n",
        moment(opened)
    )
}

/// The line after the last record, which is of that time.
pub(super) fn footer(closed: Timestamp) -> String {
    format!("#close\t{}\n", moment(closed))
}

/// One record, tab-separated.
pub(super) fn line(finding: &Finding<'_>) -> String {
    let values = values(finding).map(|value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => escaped(&text),
        // Times and spans always have their microseconds there.
        Value::Number(number) if number.is_f64() => {
            format!("{:.6}", number.as_f64().unwrap_or_default())
        }
        other => other.to_string(),
    });
    values.join("\t")
}

/// One record, as an object without what is unset.
pub(super) fn object(finding: &Finding<'_>) -> Value {
    let named = FIELDS.iter().zip(values(finding));
    let set = named.filter(|(_, value)| !value.is_null());
    let set: Map<String, Value> = set
        .map(|((name, _), value)| ((*name).into(), value))
        .collect();
    Value::Object(set)
}

/// In the order of [`FIELDS`].
fn values(finding: &Finding<'_>) -> [Value; 25] {
    let session = finding.session;
    let (client, server) = (finding.client(), finding.server());
    let (packets, bytes) = finding.backward();
    let vlan = session.context.vlans[0];
    let duration = session.end.nanoseconds_since(session.start);
    [
        json!(seconds(session.start.nanoseconds())),
        json!(Identity::of(session).name()),
        json!(client.ip()),
        json!(client.port()),
        json!(server.ip()),
        json!(server.port()),
        json!(session.five_tuple.protocol.name()),
        json!(seconds(i64::try_from(duration).unwrap_or(i64::MAX))),
        json!(session.forward.packets),
        json!(session.forward.bytes),
        json!(packets),
        json!(bytes),
        json!((vlan != 0).then_some(vlan)),
        json!(community_id(&session.five_tuple)),
        json!(finding.kind()),
        json!(finding.class()),
        json!(finding.nearest()),
        json!(finding.confidence()),
        json!(finding.background()),
        json!(finding.moment.name()),
        json!(session.end_reason.name()),
        json!(finding.capture),
        json!(finding.origin.model),
        json!(finding.origin.policy),
        json!(session.payload_bytes),
    ]
}

/// To the microsecond, as much as a double has of the time of day.
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds.div_euclid(1_000) as f64 / 1e6
}

/// `2016-02-29-23-59-59`.
fn moment(time: Timestamp) -> String {
    time.to_string()[..19].replace(['T', ':'], "-")
}

/// What would be taken for something else, as its bytes in hexadecimal.
fn escaped(text: &str) -> String {
    use std::fmt::Write;
    match text {
        "" => return "(empty)".to_owned(),
        "-" => return "\\x2d".to_owned(),
        "(empty)" => return "\\x28empty)".to_owned(),
        _ => {}
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_control() || character == '\\' {
            let _ = write!(safe, "\\x{:02x}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_fields_does_not_stand_in_them() {
        let found = ["a\tb\n", "", "-", "(empty)", "c:\\d", "-x"].map(escaped);
        let expected = [
            "a\\x09b\\x0a",
            "(empty)",
            "\\x2d",
            "\\x28empty)",
            "c:\\x5cd",
            "-x",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_log_is_opened_and_closed_at_the_times_of_its_records() {
        let time = Timestamp::from_nanoseconds(1_456_790_399_123_456_789);
        assert!(header(time).contains("\n#open\t2016-02-29-23-59-59\n"));
        assert_eq!(footer(time), "#close\t2016-02-29-23-59-59\n");
    }
}
