//! One session and its verdict as programs read them: an object of JSON, a line of CSV.

use serde::Serialize;

use super::finding::Finding;

/// One session as JSON and CSV have it; names as in a dataset's columns.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    capture: &'a str,
    start: String,
    protocol: String,
    client_address: String,
    client_port: u16,
    server_address: String,
    server_port: u16,
    /// class, unknown, empty or background.
    verdict: &'static str,
    class: Option<&'a str>,
    /// The class that an unknown session would have been called.
    nearest: Option<&'a str>,
    confidence: Option<f64>,
    background: Option<&'static str>,
    packets: u64,
    bytes: u64,
    end_reason: &'static str,
    /// first, change, again or end.
    moment: &'static str,
    model: &'a str,
    policy: &'a str,
    /// Which window of its session this is, from 0; none of a session as a whole.
    window: Option<u64>,
}

/// The columns of CSV: the fields of [`Record`].
pub(super) const COLUMNS: &str = "capture,start,protocol,client_address,client_port,\
                                  server_address,server_port,verdict,class,nearest,confidence,\
                                  background,packets,bytes,end_reason,moment,model,policy,\
                                  window";

impl<'a> Record<'a> {
    pub(super) fn of(finding: &Finding<'a>) -> Self {
        let session = finding.session;
        let (client, server) = (finding.client(), finding.server());
        Self {
            capture: finding.capture,
            start: session.start.to_string(),
            protocol: session.five_tuple.protocol.to_string(),
            client_address: client.ip().to_string(),
            client_port: client.port(),
            server_address: server.ip().to_string(),
            server_port: server.port(),
            verdict: finding.kind(),
            class: finding.class(),
            nearest: finding.nearest(),
            confidence: finding.confidence(),
            background: finding.background(),
            packets: session.packets,
            bytes: session.bytes,
            end_reason: session.end_reason.name(),
            moment: finding.moment.name(),
            model: &finding.origin.model,
            policy: &finding.origin.policy,
            window: session.window.map(|window| window.number),
        }
    }

    /// Its values in the order of [`COLUMNS`], without a line's end.
    pub(super) fn into_csv(self) -> String {
        [
            quoted(self.capture),
            self.start,
            self.protocol,
            self.client_address,
            self.client_port.to_string(),
            self.server_address,
            self.server_port.to_string(),
            self.verdict.to_owned(),
            self.class.map(quoted).unwrap_or_default(),
            self.nearest.map(quoted).unwrap_or_default(),
            self.confidence
                .map(|confidence| confidence.to_string())
                .unwrap_or_default(),
            self.background.unwrap_or_default().to_owned(),
            self.packets.to_string(),
            self.bytes.to_string(),
            self.end_reason.to_owned(),
            self.moment.to_owned(),
            self.model.to_owned(),
            quoted(self.policy),
            self.window
                .map(|window| window.to_string())
                .unwrap_or_default(),
        ]
        .join(",")
    }
}

/// A field of CSV, in quotes where RFC 4180 wants them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        assert_eq!(quoted("a,b.pcap"), "\"a,b.pcap\"");
        assert_eq!(quoted("the \"best\""), "\"the \"\"best\"\"\"");
        assert_eq!(quoted("plain.pcap"), "plain.pcap");
    }

    #[test]
    fn the_columns_are_the_fields_of_a_record() {
        let record = Record {
            capture: "",
            start: String::new(),
            protocol: String::new(),
            client_address: String::new(),
            client_port: 0,
            server_address: String::new(),
            server_port: 0,
            verdict: "",
            class: None,
            nearest: None,
            confidence: None,
            background: None,
            packets: 0,
            bytes: 0,
            end_reason: "",
            moment: "",
            model: "",
            policy: "",
            window: None,
        };
        let text = serde_json::to_string(&record).unwrap();
        let mut last = 0;
        for column in COLUMNS.split(',') {
            let place = text.find(&format!("\"{column}\":")).unwrap();
            assert!(place >= last, "{column} is out of order");
            last = place;
        }
        assert_eq!(text.matches("\":").count(), COLUMNS.split(',').count());
    }
}
