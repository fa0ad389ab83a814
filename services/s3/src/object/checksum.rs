//! S3's checksums: computed as bytes come, compared with what the client says, told as the model has them.

use crate::errors;
use crate::state::{Algorithm, Checksum};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use virga_base::AwsError;
use virga_service::Request;

/// Algorithm, name, header, bytes.
const ALL: [(Algorithm, &str, &str, usize); 7] = [
    (Algorithm::Crc32, "CRC32", "x-amz-checksum-crc32", 4),
    (Algorithm::Crc32c, "CRC32C", "x-amz-checksum-crc32c", 4),
    (Algorithm::Crc64Nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", 8),
    (Algorithm::Sha1, "SHA1", "x-amz-checksum-sha1", 20),
    (Algorithm::Sha256, "SHA256", "x-amz-checksum-sha256", 32),
    (Algorithm::Sha512, "SHA512", "x-amz-checksum-sha512", 64),
    (Algorithm::Md5, "MD5", "x-amz-checksum-md5", 16),
];

impl Algorithm {
    fn facts(self) -> (&'static str, &'static str, usize) {
        let found = ALL.iter().find(|(algorithm, ..)| *algorithm == self);
        found.map_or(("", "", 0), |(_, name, header, length)| (*name, *header, *length))
    }

    /// As `x-amz-checksum-algorithm` names it.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The header that carries such a checksum.
    pub fn header(self) -> &'static str {
        self.facts().1
    }

    /// The one of that name, in any case.
    pub fn named(name: &str) -> Option<Algorithm> {
        let found = ALL.iter().find(|(_, known, ..)| known.eq_ignore_ascii_case(name));
        found.map(|(algorithm, ..)| *algorithm)
    }

    /// The one whose header has that name, in lower case.
    pub fn of_header(header: &str) -> Option<Algorithm> {
        let found = ALL.iter().find(|(_, _, known, _)| *known == header);
        found.map(|(algorithm, ..)| *algorithm)
    }

    /// Whether the text is a checksum of this kind at all.
    pub fn is_valid(self, text: &str) -> bool {
        let length = self.facts().2;
        STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == length)
    }
}

/// A checksum under way.
pub enum Hasher {
    Crc(Algorithm, Box<crc_fast::Digest>),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Box<Sha512>),
    Md5(Md5),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Hasher {
        let crc = |kind: CrcAlgorithm| Hasher::Crc(algorithm, Box::new(crc_fast::Digest::new(kind)));
        match algorithm {
            Algorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 => Hasher::Sha1(Sha1::new()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
            Algorithm::Sha512 => Hasher::Sha512(Box::default()),
            Algorithm::Md5 => Hasher::Md5(Md5::new()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc(_, digest) => digest.update(bytes),
            Hasher::Sha1(digest) => digest.update(bytes),
            Hasher::Sha256(digest) => digest.update(bytes),
            Hasher::Sha512(digest) => digest.update(bytes),
            Hasher::Md5(digest) => digest.update(bytes),
        }
    }

    /// The checksum's bytes.
    pub fn finish(self) -> Vec<u8> {
        match self {
            Hasher::Crc(Algorithm::Crc64Nvme, digest) => digest.finalize().to_be_bytes().to_vec(),
            // A CRC of 32 bits fills the lower half.
            Hasher::Crc(_, digest) => digest.finalize().to_be_bytes().get(4..).unwrap_or_default().to_vec(),
            Hasher::Sha1(digest) => digest.finalize().to_vec(),
            Hasher::Sha256(digest) => digest.finalize().to_vec(),
            Hasher::Sha512(digest) => digest.finalize().to_vec(),
            Hasher::Md5(digest) => digest.finalize().to_vec(),
        }
    }

    /// The checksum as it is written.
    pub fn finish_text(self) -> String {
        STANDARD.encode(self.finish())
    }
}

/// What a request says about the checksum of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub algorithm: Option<Algorithm>,
    /// In base64; none where it comes behind the body, or S3 is to compute it.
    pub value: Option<String>,
}

/// Reads the headers' checksums, of which there may be one, and `x-amz-sdk-checksum-algorithm`.
pub fn asked(
    sent: impl IntoIterator<Item = (Algorithm, Option<String>)>,
    named: Option<&str>,
) -> Result<Asked, AwsError> {
    let named = match named.filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(Algorithm::named(name).ok_or_else(|| {
            errors::invalid_request(
                "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, \
                 CRC32C, CRC64NVME, SHA1, SHA256]",
            )
        })?),
    };
    let mut sent = sent
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let Some((algorithm, value)) = sent.next() else {
        return Ok(Asked {
            algorithm: named,
            value: None,
        });
    };
    if sent.next().is_some() {
        return Err(errors::invalid_request(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ));
    }
    if named.is_some_and(|named| named != algorithm) {
        return Err(errors::invalid_request(
            "Value for x-amz-sdk-checksum-algorithm header is invalid.",
        ));
    }
    if !algorithm.is_valid(&value) {
        return Err(errors::invalid_request(&format!(
            "Value for {} header is invalid.",
            algorithm.header()
        )));
    }
    Ok(Asked {
        algorithm: Some(algorithm),
        value: Some(value),
    })
}

/// Whether the request proves its body: by `Content-MD5`, or by a checksum before or behind it. Calls from within need not.
pub fn is_sent(request: &Request) -> bool {
    let headers = &request.headers;
    if headers.is_empty() {
        return true;
    }
    let trailer = request.header("x-amz-trailer");
    headers.contains_key("content-md5")
        || trailer.is_some_and(|trailer| Algorithm::of_header(&trailer.trim().to_ascii_lowercase()).is_some())
        || ALL.iter().any(|(_, _, header, _)| headers.contains_key(*header))
}

/// Refuses checksums of kinds that S3 does not know.
pub fn check_kinds(request: &Request) -> Result<(), AwsError> {
    for name in request
        .headers
        .keys()
        .filter_map(|name| name.as_str().strip_prefix("x-amz-checksum-"))
    {
        let known = ["algorithm", "type", "mode"].contains(&name) || Algorithm::named(name).is_some();
        if !known {
            return Err(errors::invalid_request(
                "The algorithm type you specified in x-amz-checksum- header is invalid.",
            ));
        }
    }
    Ok(())
}

/// The checksums among the members of an input.
macro_rules! sent_checksums {
    ($input:expr) => {
        [
            ($crate::state::Algorithm::Crc32, $input.checksum_crc32.take()),
            ($crate::state::Algorithm::Crc32c, $input.checksum_crc32c.take()),
            ($crate::state::Algorithm::Crc64Nvme, $input.checksum_crc64nvme.take()),
            ($crate::state::Algorithm::Sha1, $input.checksum_sha1.take()),
            ($crate::state::Algorithm::Sha256, $input.checksum_sha256.take()),
            ($crate::state::Algorithm::Sha512, $input.checksum_sha512.take()),
            ($crate::state::Algorithm::Md5, $input.checksum_md5.take()),
        ]
    };
}
pub(crate) use sent_checksums;

/// Tells a checksum in the members of an output that has its type.
macro_rules! tell_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            $output.checksum_type = Some(if checksum.composite { "COMPOSITE" } else { "FULL_OBJECT" }.to_owned());
            $crate::object::checksum::tell_checksum_value!($output, checksum);
        }
    };
}
pub(crate) use tell_checksum;

/// The same for an output without the type.
macro_rules! tell_checksum_value {
    ($output:expr, $checksum:expr) => {
        let value = Some($checksum.value.clone());
        match $checksum.algorithm {
            $crate::state::Algorithm::Crc32 => $output.checksum_crc32 = value,
            $crate::state::Algorithm::Crc32c => $output.checksum_crc32c = value,
            $crate::state::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
            $crate::state::Algorithm::Sha1 => $output.checksum_sha1 = value,
            $crate::state::Algorithm::Sha256 => $output.checksum_sha256 = value,
            $crate::state::Algorithm::Sha512 => $output.checksum_sha512 = value,
            $crate::state::Algorithm::Md5 => $output.checksum_md5 = value,
        }
    };
}
pub(crate) use tell_checksum_value;

/// The checksum of a whole body.
pub fn full(algorithm: Algorithm, value: String) -> Checksum {
    Checksum {
        algorithm,
        composite: false,
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Asked, Hasher, asked};
    use crate::state::Algorithm;

    #[test]
    fn every_algorithm_agrees_with_the_published_values() {
        // Of "123456789" from the catalogue of CRCs, of "abc" from FIPS 180 and RFC 1321.
        for (algorithm, data, expected) in [
            (Algorithm::Crc32, "123456789", "y/Q5Jg=="),
            (Algorithm::Crc32c, "123456789", "4waSgw=="),
            (Algorithm::Crc64Nvme, "123456789", "rosUhgp5mIg="),
            (Algorithm::Sha1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            (Algorithm::Sha256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
            (Algorithm::Md5, "abc", "kAFQmDzST7DWlj99KOF/cg=="),
        ] {
            let mut hasher = Hasher::new(algorithm);
            let (first, second) = data.split_at(2);
            hasher.update(first.as_bytes());
            hasher.update(second.as_bytes());
            let text = hasher.finish_text();
            assert_eq!(text, expected, "{}", algorithm.name());
            assert!(algorithm.is_valid(&text));
        }
        for (algorithm, _, header, length) in ALL {
            assert_eq!(Algorithm::of_header(header), Some(algorithm));
            assert_eq!(Hasher::new(algorithm).finish().len(), length);
        }
    }

    #[test]
    fn one_checksum_of_one_kind_may_be_sent() {
        let crc = || Some("y/Q5Jg==".to_owned());
        let code = |sent: Vec<(Algorithm, Option<String>)>, named| {
            asked(sent, named).map_err(|error| error.message.split_at(5).0.to_owned())
        };
        assert_eq!(code(vec![], None), Ok(Asked::default()));
        assert_eq!(
            code(vec![(Algorithm::Sha1, None), (Algorithm::Crc32, crc())], Some("crc32")),
            Ok(Asked {
                algorithm: Some(Algorithm::Crc32),
                value: crc()
            })
        );
        assert!(code(vec![(Algorithm::Sha1, crc())], None).is_err());
        assert!(code(vec![(Algorithm::Crc32, crc())], Some("SHA1")).is_err());
        assert!(code(vec![(Algorithm::Crc32, crc()), (Algorithm::Crc32c, crc())], None).is_err());
        assert!(code(vec![], Some("CRC7")).is_err());
    }
}
