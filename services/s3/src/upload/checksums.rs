//! The checksum of an object from those of its parts.

use crate::errors;
use crate::object::checksum::{Hasher, full};
use crate::state::{Algorithm, Checksum, Part};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use virga_base::AwsError;

const COMPOSITE: &str = "COMPOSITE";
const FULL_OBJECT: &str = "FULL_OBJECT";

/// The name of a checksum's type.
pub fn type_name(composite: bool) -> &'static str {
    if composite { COMPOSITE } else { FULL_OBJECT }
}

/// Reads what CreateMultipartUpload says of checksums.
pub fn choose(algorithm: Option<&str>, kind: Option<&str>) -> Result<Option<(Algorithm, bool)>, AwsError> {
    let Some(name) = algorithm.filter(|name| !name.is_empty()) else {
        return match kind {
            Some(_) => Err(errors::invalid_request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
            None => Ok(None),
        };
    };
    let algorithm = Algorithm::named(name).filter(|algorithm| !matches!(algorithm, Algorithm::Md5 | Algorithm::Sha512));
    let algorithm = algorithm.ok_or_else(|| {
        errors::invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, \
             CRC64NVME, SHA1, SHA256]",
        )
    })?;
    let is_crc = crc(algorithm).is_some();
    let composite = match kind {
        None => algorithm != Algorithm::Crc64Nvme,
        Some(COMPOSITE) => true,
        Some(FULL_OBJECT) => false,
        Some(_) => {
            return Err(errors::invalid_request(
                "Value for x-amz-checksum-type header is invalid.",
            ));
        }
    };
    if (composite && algorithm == Algorithm::Crc64Nvme) || (!composite && !is_crc) {
        return Err(errors::invalid_request(&format!(
            "The {} checksum type cannot be used with the {} checksum algorithm.",
            type_name(composite),
            algorithm.name().to_lowercase()
        )));
    }
    Ok(Some((algorithm, composite)))
}

fn crc(algorithm: Algorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 | Algorithm::Md5 => None,
    }
}

fn bytes(part: &Part) -> Vec<u8> {
    let value = part.checksum.as_ref().map(|checksum| checksum.value.as_str());
    STANDARD.decode(value.unwrap_or_default()).unwrap_or_default()
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The CRC64NVME in a checksum's text.
pub fn crc64_of(checksum: &Checksum) -> u64 {
    number(&STANDARD.decode(&checksum.value).unwrap_or_default())
}

/// The checksum of all parts together.
pub fn of_parts(chosen: Option<(Algorithm, bool)>, parts: &[Part]) -> Checksum {
    let (algorithm, composite) = chosen.unwrap_or((Algorithm::Crc64Nvme, false));
    if composite {
        let mut hasher = Hasher::new(algorithm);
        parts.iter().for_each(|part| hasher.update(&bytes(part)));
        let value = format!("{}-{}", hasher.finish_text(), parts.len());
        return Checksum {
            algorithm,
            composite,
            value,
        };
    }
    let of_part = |part: &Part| match chosen {
        Some(_) => number(&bytes(part)),
        None => part.crc64,
    };
    let whole = crc(algorithm).map_or(0, |kind| {
        let mut parts = parts.iter();
        let first = parts.next().map_or(0, of_part);
        parts.fold(first, |whole, part| {
            crc_fast::checksum_combine(kind, whole, of_part(part), part.size)
        })
    });
    let whole = whole.to_be_bytes();
    let value = match algorithm {
        Algorithm::Crc64Nvme => whole.as_slice(),
        _ => whole.get(4..).unwrap_or_default(),
    };
    full(algorithm, STANDARD.encode(value))
}

#[cfg(test)]
mod tests {
    use super::{choose, of_parts};
    use crate::object::checksum::{Hasher, full};
    use crate::state::{Algorithm, Content, Part};
    use virga_base::Timestamp;

    fn part(algorithm: Algorithm, bytes: &[u8]) -> Part {
        let text = |algorithm| {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(bytes);
            hasher.finish_text()
        };
        Part {
            size: bytes.len() as u64,
            offset: 0,
            etag: String::new(),
            modified: Timestamp::EPOCH,
            checksum: Some(full(algorithm, text(algorithm))),
            crc64: super::crc64_of(&full(Algorithm::Crc64Nvme, text(Algorithm::Crc64Nvme))),
            content: Content::Nothing,
            nonce: 0,
        }
    }

    /// As AWS answered for `a` × 5,242,881, twice, and `a` × 10.
    #[test]
    fn sums_of_parts_are_those_of_aws() {
        let long = vec![b'a'; 5_242_881];
        for (chosen, expected) in [
            ((Algorithm::Crc32, true), "5FRUiw==-3"),
            ((Algorithm::Crc32c, true), "XF5+4A==-3"),
            ((Algorithm::Sha1, true), "AyE60nyQoBgJcwsyPHWu7aJuxBs=-3"),
            ((Algorithm::Crc32, false), "qSEQSA=="),
            ((Algorithm::Crc32c, false), "eTdAQA=="),
            ((Algorithm::Crc64Nvme, false), "ZMNX55lZurA="),
        ] {
            let parts = [&long, &long, &long[..10].to_vec()].map(|bytes| part(chosen.0, bytes));
            assert_eq!(of_parts(Some(chosen), &parts).value, expected);
            assert_eq!(of_parts(None, &parts).value, "ZMNX55lZurA=");
        }
    }

    #[test]
    fn each_algorithm_has_its_types() {
        let chosen = |algorithm, kind| choose(Some(algorithm), kind).ok().flatten();
        assert_eq!(chosen("CRC32", None), Some((Algorithm::Crc32, true)));
        assert_eq!(chosen("CRC64NVME", None), Some((Algorithm::Crc64Nvme, false)));
        assert_eq!(chosen("crc32c", Some("FULL_OBJECT")), Some((Algorithm::Crc32c, false)));
        for (algorithm, kind) in [
            ("CRC64NVME", "COMPOSITE"),
            ("SHA256", "FULL_OBJECT"),
            ("SHA256", "ALL"),
            ("MD5", "COMPOSITE"),
        ] {
            assert_eq!(chosen(algorithm, Some(kind)), None, "{algorithm} {kind}");
        }
        assert_eq!(choose(None, None), Ok(None));
        assert!(choose(None, Some("COMPOSITE")).is_err());
    }
}
