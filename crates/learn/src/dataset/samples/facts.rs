//! What splits need of rows that are written already.

use std::path::Path;

use arrow::{
    array::{Array, AsArray, StringArray},
    datatypes::{TimestampNanosecondType, UInt16Type, UInt32Type},
};
use traffic::timestamp::Timestamp;

use super::{batches, column, text, text_if_there};
use crate::{
    dataset::{DatasetError, Split, provenance::Provenance, row::conversation},
    filters::Facts,
    names::Names,
};

/// What a new split needs of each row.
pub(crate) fn read_facts(path: &Path) -> Result<Vec<Facts>, DatasetError> {
    let rows = read_facts_by_side(path)?.into_iter();
    Ok(rows.map(|(_, facts)| facts).collect())
}

/// The same, and on which side of the present split each row is.
pub(crate) fn read_facts_by_side(path: &Path) -> Result<Vec<(Split, Facts)>, DatasetError> {
    let mut columns = vec![
        "label",
        "split",
        "capture",
        "group",
        "given_split",
        "start",
        "background",
        "protocol",
        "client_address",
        "client_port",
        "server_address",
        "server_port",
    ];
    columns.extend(Provenance::COLUMNS);
    let mut facts = Vec::new();
    let mut names = Names::default();
    for batch in batches(path, Some(&columns))? {
        let batch = batch.map_err(DatasetError::samples(path))?;
        let mut read = || -> Result<(), String> {
            let label = column(&batch, "label")?.as_primitive::<UInt32Type>();
            let split = text(&batch, "split")?;
            let capture = column(&batch, "capture")?.as_primitive::<UInt32Type>();
            let group = text(&batch, "group")?;
            let given = text(&batch, "given_split")?;
            let start = column(&batch, "start")?.as_primitive::<TimestampNanosecondType>();
            let background = text(&batch, "background")?;
            let [run, site, application, tunnel, plaintext] =
                Provenance::COLUMNS.map(|name| text_if_there(&batch, name));
            let [run, site, application, tunnel, plaintext] =
                [run?, site?, application?, tunnel?, plaintext?];
            let protocol = text(&batch, "protocol")?;
            let addresses = [
                text(&batch, "client_address")?,
                text(&batch, "server_address")?,
            ];
            let ports = ["client_port", "server_port"]
                .map(|name| column(&batch, name).map(AsArray::as_primitive::<UInt16Type>));
            let [client_ports, server_ports] = ports;
            let ports = [client_ports?, server_ports?];
            let conversation = |at: usize| {
                let is_known =
                    protocol.is_valid(at) && addresses.iter().all(|one| one.is_valid(at));
                let end = |side: usize| {
                    let port = ports[side].is_valid(at).then(|| ports[side].value(at));
                    (addresses[side].value(at).to_owned(), port.unwrap_or(0))
                };
                is_known.then(|| conversation(protocol.value(at), [end(0), end(1)]))
            };
            for at in 0..batch.num_rows() {
                let mut value = |column: &Option<StringArray>| {
                    let column = column.as_ref().filter(|column| column.is_valid(at));
                    column.map(|column| names.shared(column.value(at)))
                };
                let provenance = Provenance {
                    run: value(&run),
                    site: value(&site),
                    application: value(&application),
                    tunnel: value(&tunnel),
                    plaintext: value(&plaintext),
                };
                let given = given.is_valid(at).then(|| given.value(at).parse::<Split>());
                let present = split.value(at).parse::<Split>();
                let row = Facts {
                    label: label.value(at),
                    capture: capture.value(at),
                    group: names.shared(group.value(at)),
                    conversation: conversation(at).map(Into::into),
                    start: Timestamp::from_nanoseconds(start.value(at)),
                    provenance,
                    given: given.transpose().map_err(|error| error.to_string())?,
                    digest: [0; 32],
                    is_empty: false,
                    is_background: background.is_valid(at),
                };
                facts.push((present.map_err(|error| error.to_string())?, row));
            }
            Ok(())
        };
        read().map_err(DatasetError::samples(path))?;
    }
    Ok(facts)
}
