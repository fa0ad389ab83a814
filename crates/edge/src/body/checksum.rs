//! The checksums that a client may send with a body: `x-amz-checksum-*` in a header or behind the body, `Content-MD5`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use virga_base::AwsError;

/// A checksum of S3's, as its header names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

const ALL: [(Algorithm, &str, &str); 5] = [
    (Algorithm::Crc32, "x-amz-checksum-crc32", "CRC32"),
    (Algorithm::Crc32c, "x-amz-checksum-crc32c", "CRC32C"),
    (Algorithm::Crc64Nvme, "x-amz-checksum-crc64nvme", "CRC64NVME"),
    (Algorithm::Sha1, "x-amz-checksum-sha1", "SHA1"),
    (Algorithm::Sha256, "x-amz-checksum-sha256", "SHA256"),
];

impl Algorithm {
    /// The one whose header has that name.
    pub(crate) fn of_header(name: &str) -> Option<Algorithm> {
        ALL.iter()
            .find(|(_, header, _)| header.eq_ignore_ascii_case(name.trim()))
            .map(|(algorithm, _, _)| *algorithm)
    }

    fn names(self) -> (&'static str, &'static str) {
        ALL.iter()
            .find(|(algorithm, _, _)| *algorithm == self)
            .map_or(("", ""), |(_, header, name)| (header, name))
    }

    pub(crate) fn header(self) -> &'static str {
        self.names().0
    }
}

/// A checksum that is being computed.
pub(crate) struct Running {
    algorithm: Algorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Running {
    pub(crate) fn new(algorithm: Algorithm) -> Running {
        let state = match algorithm {
            Algorithm::Crc32 => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            Algorithm::Crc32c => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Algorithm::Crc64Nvme => State::Crc(crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
            Algorithm::Sha1 => State::Sha1(Sha1::new()),
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
        };
        Running { algorithm, state }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(data),
            State::Sha1(digest) => digest.update(data),
            State::Sha256(digest) => digest.update(data),
        }
    }

    /// Compares with what the client sent.
    pub(crate) fn check(self, sent: &str) -> Result<(), AwsError> {
        let (header, name) = self.algorithm.names();
        let computed: Vec<u8> = match self.state {
            State::Crc(digest) => match self.algorithm {
                Algorithm::Crc64Nvme => digest.finalize().to_be_bytes().to_vec(),
                _ => (digest.finalize() as u32).to_be_bytes().to_vec(),
            },
            State::Sha1(digest) => digest.finalize().to_vec(),
            State::Sha256(digest) => digest.finalize().to_vec(),
        };
        match STANDARD.decode(sent.trim()) {
            Ok(bytes) if bytes == computed => Ok(()),
            Ok(bytes) if bytes.len() == computed.len() => Err(AwsError::new(
                "BadDigest",
                format!("The {name} you specified did not match the calculated checksum."),
            )),
            _ => Err(AwsError::new(
                "InvalidRequest",
                format!("Value for {header} header is invalid."),
            )),
        }
    }
}

/// Checks the checksums in the headers of a body that has come whole.
pub(crate) fn check_headers(headers: &HeaderMap, body: &[u8]) -> Result<(), AwsError> {
    for (algorithm, header, _) in ALL {
        if let Some(sent) = headers.get(header) {
            let mut running = Running::new(algorithm);
            running.update(body);
            running.check(sent.to_str().unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Checks `Content-MD5`.
pub(crate) fn check_md5(sent: &str, body: &[u8]) -> Result<(), AwsError> {
    let computed = Md5::digest(body);
    match STANDARD.decode(sent.trim()) {
        Ok(bytes) if bytes.as_slice() == computed.as_slice() => Ok(()),
        Ok(bytes) if bytes.len() == computed.len() => Err(AwsError::new(
            "BadDigest",
            "The Content-MD5 you specified did not match what we received.",
        )
        .with_detail("ExpectedDigest", sent)
        .with_detail("CalculatedDigest", STANDARD.encode(computed))),
        _ => Err(
            AwsError::new("InvalidDigest", "The Content-MD5 you specified was invalid.")
                .with_detail("Content-MD5", sent),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Running, check_md5};

    #[test]
    fn every_algorithm_agrees_with_the_published_values() {
        // The checksums of "123456789" from the catalogue of CRCs, and of "abc" from FIPS 180.
        for (header, data, expected) in [
            ("x-amz-checksum-crc32", "123456789", "y/Q5Jg=="),
            ("x-amz-checksum-crc32c", "123456789", "4waSgw=="),
            ("x-amz-checksum-crc64nvme", "123456789", "rosUhgp5mIg="),
            ("X-Amz-Checksum-Sha1", "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            (
                "x-amz-checksum-sha256",
                "abc",
                "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
            ),
        ] {
            let algorithm = Algorithm::of_header(header).expect(header);
            let check = |text: &str, sent: &str| {
                let mut running = Running::new(algorithm);
                running.update(text.as_bytes());
                running.check(sent).map_err(|error| error.code.into_owned())
            };
            assert_eq!(check(data, expected), Ok(()), "{header}");
            assert_eq!(check("other", expected), Err("BadDigest".to_owned()), "{header}");
            assert_eq!(check(data, "AA=="), Err("InvalidRequest".to_owned()), "{header}");
        }
    }

    #[test]
    fn content_md5_is_compared() {
        let code = |sent: &str| check_md5(sent, b"test").map_err(|error| error.code.into_owned());
        assert_eq!(code("CY9rzUYh03PK3k6DJie09g=="), Ok(()));
        assert_eq!(code("AAAAAAAAAAAAAAAAAAAAAA=="), Err("BadDigest".to_owned()));
        assert_eq!(code("nonsense"), Err("InvalidDigest".to_owned()));
    }
}
