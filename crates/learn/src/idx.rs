//! IDX files: the MNIST container that published traffic sets come in.

mod container;
mod import;
mod index;
mod pcap_head;
mod rows;

pub use self::{
    container::{IdxError, IdxReader},
    import::{IdxImport, IdxPair, RowForm, import},
    index::{IndexError, RowIndex},
    pcap_head::pcap_part,
};
