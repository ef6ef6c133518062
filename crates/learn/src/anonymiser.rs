//! The anonymiser: addresses as keyed digests, so that a dataset tells who is the same but not who.

use std::{
    fmt,
    fs::File,
    io::{self, Read},
    net::{IpAddr, SocketAddr},
    path::Path,
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use traffic::{
    policy::{BytePolicy, Field},
    session::Session,
};

use crate::{checksum::hexadecimal, dataset::manifest::AddressForm};

/// The shortest key, in bytes: what fewer bytes hide can be found by trying them all.
pub const SHORTEST_KEY: usize = 16;

/// The longest key file that is read, in bytes.
const LONGEST_KEY: usize = 1 << 20;

/// Fields that addresses can be told from: checksums are partly sums of them.
const TELLING: [Field; 4] = [
    Field::Mac,
    Field::Addresses,
    Field::IpChecksum,
    Field::TransportChecksum,
];

/// Addresses that cannot be hidden.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnonymiseError {
    /// The key cannot be read.
    #[error("cannot read key `{path}`")]
    Io {
        /// The key's file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The key is of no use.
    #[error(
        "key `{path}` has {found} bytes, give {SHORTEST_KEY} to {LONGEST_KEY} that nobody can \
         guess, as from `head -c 32 /dev/urandom`"
    )]
    KeyLength {
        /// The key's file.
        path: String,
        /// Its length in bytes, as far as it was read.
        found: usize,
    },
    /// The slices would show what the columns hide.
    #[error(
        "slices of policy `{policy}` show {fields}, from which addresses can be told; choose \
         policy `ip`, `strict` or `payload`, or add `,zero={fields}`"
    )]
    Policy {
        /// The byte policy.
        policy: String,
        /// The fields it keeps and must not, joined as a policy's spelling has them.
        fields: String,
    },
}

/// Replaces addresses by keyed digests of themselves.
///
/// The digest is HMAC-SHA256 (RFC 2104), cut to the address's size: under one key equal addresses
/// stay equal, in every dataset, and without the key none can be told. Two IPv4 addresses become
/// the same by chance once in 2³² pairs. Ports, times and names of captures stay as they are, and
/// so does what a payload says.
#[derive(Clone, PartialEq, Eq)]
pub struct Anonymiser {
    key: Vec<u8>,
}

impl Anonymiser {
    /// An anonymiser with the bytes of a file as its key.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is too short or too long for a key.
    pub fn read(path: &Path) -> Result<Self, AnonymiseError> {
        let shown = || path.display().to_string();
        let mut key = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST_KEY as u64 + 1).read_to_end(&mut key))
            .map_err(|source| AnonymiseError::Io {
                path: shown(),
                source,
            })?;
        if !(SHORTEST_KEY..=LONGEST_KEY).contains(&key.len()) {
            return Err(AnonymiseError::KeyLength {
                path: shown(),
                found: key.len(),
            });
        }
        Ok(Self { key })
    }

    /// Refuses a byte policy whose slices show what this hides.
    ///
    /// # Errors
    ///
    /// [`AnonymiseError::Policy`], with the fields that must be zeroed.
    pub fn check(&self, policy: &BytePolicy) -> Result<(), AnonymiseError> {
        let shown: Vec<&str> = TELLING
            .into_iter()
            .filter(|&field| policy.shows(field))
            .map(Field::name)
            .collect();
        if shown.is_empty() {
            return Ok(());
        }
        Err(AnonymiseError::Policy {
            policy: policy.to_string(),
            fields: shown.join("+"),
        })
    }

    /// Hides both ends of a session.
    pub fn hide(&self, session: &mut Session) {
        let tuple = &mut session.five_tuple;
        for end in [&mut tuple.source, &mut tuple.destination] {
            *end = SocketAddr::new(self.address(end.ip()), end.port());
        }
    }

    /// What stands for an address: one of the same kind.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(ip) => {
                let [a, b, c, d, ..] = self.digest(b"address", &ip.octets());
                IpAddr::from([a, b, c, d])
            }
            IpAddr::V6(ip) => {
                let mut head = [0; 16];
                head.copy_from_slice(&self.digest(b"address", &ip.octets())[..16]);
                IpAddr::from(head)
            }
        }
    }

    /// What a manifest says of it: the key's own digest tells whether two datasets share a key.
    pub fn form(&self) -> AddressForm {
        AddressForm::HmacSha256 {
            key_id: hexadecimal(&self.digest(b"key", &[])[..8]),
        }
    }

    /// HMAC-SHA256 of bytes; `purpose` keeps digests of other things apart.
    fn digest(&self, purpose: &[u8], bytes: &[u8]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(purpose);
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// The key is nobody's business.
impl fmt::Debug for Anonymiser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Anonymiser").field(&self.form()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anonymiser(key: &[u8]) -> Anonymiser {
        Anonymiser { key: key.to_vec() }
    }

    /// What stands for an address under the key that RFC 4231's second test case has.
    #[track_caller]
    fn check(address: &str, expected: &str) {
        let found = anonymiser(b"Jefe").address(address.parse().unwrap());
        assert_eq!(found, expected.parse::<IpAddr>().unwrap());
    }

    // Worked out with Python: hmac.digest(b"Jefe", b"address" + packed address, "sha256").
    #[test]
    fn an_address_is_the_head_of_its_digest() {
        check("10.0.0.1", "66.130.90.188");
        check("2001:db8::1", "f759:e1f0:6185:9fe8:c5e:a80d:603c:3c12");
    }

    #[test]
    fn another_key_gives_other_addresses() {
        let address = IpAddr::from([10, 0, 0, 1]);
        let (one, other) = (anonymiser(&[1; 32]), anonymiser(&[2; 32]));
        assert_ne!(one.address(address), other.address(address));
        assert_ne!(one.form(), other.form());
    }

    #[test]
    fn a_policy_that_shows_addresses_is_refused_with_the_remedy() {
        let refusal = |policy: &str| {
            let policy: BytePolicy = policy.parse().unwrap();
            let refused = anonymiser(&[1; 32]).check(&policy);
            refused.map_err(|error| error.to_string())
        };
        for policy in [
            "ip",
            "strict",
            "payload",
            "paper,zero=ip-checksum+transport-checksum",
        ] {
            assert_eq!(refusal(policy), Ok(()));
        }
        assert_eq!(
            refusal("paper"),
            Err(
                "slices of policy `paper` show ip-checksum+transport-checksum, from which addresses \
                 can be told; choose policy `ip`, `strict` or `payload`, or add \
                 `,zero=ip-checksum+transport-checksum`"
                    .to_owned()
            )
        );
        assert!(refusal("ip,keep=addresses").is_err());
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; SHORTEST_KEY - 1]).unwrap();
        let error = Anonymiser::read(file.path()).unwrap_err().to_string();
        assert!(error.contains("has 15 bytes, give 16 to "), "{error}");
        std::fs::write(file.path(), [7; SHORTEST_KEY]).unwrap();
        assert!(Anonymiser::read(file.path()).is_ok());
    }

    #[test]
    fn the_key_is_not_printed() {
        let shown = format!("{:?}", anonymiser(b"a secret of ours"));
        assert!(
            shown.starts_with("Anonymiser(HmacSha256 { key_id: "),
            "{shown}"
        );
        assert!(
            !shown.contains("secret") && !shown.contains("97, 32"),
            "{shown}"
        );
    }
}
