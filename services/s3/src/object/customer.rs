//! SSE-C: objects that are encrypted with keys which customers bring and S3 forgets.
//!
//! Bytes are encrypted by AES-256 in counter mode, so that any range can be read by itself. Every content has a number of its
//! own (a nonce) in the upper half of the counter.

use crate::errors;
use crate::hex::hex;
use crate::state::Encryption;
use aes::Aes256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use ctr::Ctr64BE;
use ctr::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use virga_base::AwsError;
use virga_service::Body;

/// What a request's headers say of a customer's key.
#[derive(Clone, Default)]
pub struct Asked {
    pub algorithm: Option<String>,
    /// In base64.
    pub key: Option<String>,
    pub md5: Option<String>,
}

/// The headers among the members of an input.
macro_rules! customer_of {
    ($input:expr) => {
        $crate::object::customer::Asked {
            algorithm: $input.sse_customer_algorithm.take(),
            key: $input.sse_customer_key.take(),
            md5: $input.sse_customer_key_md5.take(),
        }
    };
}
pub(crate) use customer_of;

/// The same of a copy's source.
macro_rules! source_customer_of {
    ($input:expr) => {
        $crate::object::customer::Asked {
            algorithm: $input.copy_source_sse_customer_algorithm.take(),
            key: $input.copy_source_sse_customer_key.take(),
            md5: $input.copy_source_sse_customer_key_md5.take(),
        }
    };
}
pub(crate) use source_customer_of;

/// A customer's key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    key: [u8; 32],
    /// In base64.
    pub md5: String,
}

fn invalid(message: &str) -> AwsError {
    errors::invalid_argument_named(message, "x-amz-server-side-encryption")
}

impl Asked {
    /// Refuses a key beside the header that asks for another encryption.
    pub fn beside(self, method: Option<&str>) -> Result<Asked, AwsError> {
        let is_any = self.algorithm.is_some() || self.key.is_some();
        match method.filter(|_| is_any) {
            None => Ok(self),
            Some(method) => Err(errors::invalid_argument(
                "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
                "x-amz-server-side-encryption",
                method,
            )),
        }
    }

    /// The key, where there is one.
    pub fn read(self) -> Result<Option<Key>, AwsError> {
        let Asked { algorithm, key, md5 } = self;
        let Some(algorithm) = algorithm else {
            return match key.is_some() || md5.is_some() {
                false => Ok(None),
                true => Err(invalid(
                    "Requests specifying Server Side Encryption with Customer provided keys must provide a valid \
                     encryption algorithm.",
                )),
            };
        };
        if algorithm != "AES256" {
            return Err(errors::invalid_encryption_algorithm(&algorithm));
        }
        let key = key.ok_or_else(|| {
            invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate \
                 secret key.",
            )
        })?;
        let bytes: Option<[u8; 32]> = STANDARD.decode(key).ok().and_then(|bytes| bytes.try_into().ok());
        let key = bytes.ok_or_else(|| invalid("The secret key was invalid for the specified algorithm."))?;
        let told = md5.ok_or_else(|| {
            invalid(
                "Requests specifying Server Side Encryption with Customer provided keys must provide the client \
                 calculated MD5 of the secret key.",
            )
        })?;
        let md5 = STANDARD.encode(Md5::digest(key));
        if md5 != told {
            return Err(invalid(
                "The calculated MD5 hash of the key did not match the hash that was provided.",
            ));
        }
        Ok(Some(Key { key, md5 }))
    }
}

/// The encryption of an object to be written: with the customer's key where there is one, else `other`.
pub fn choose(key: Option<&Key>, other: Encryption, nonce: impl FnOnce() -> u64) -> Encryption {
    match key {
        None => other,
        Some(key) => Encryption::Customer {
            key_md5: key.md5.clone(),
            nonce: nonce(),
        },
    }
}

/// Whether a reader has brought the key that an object was written with, and no key for any other.
pub fn check_read(encryption: &Encryption, key: Option<&Key>) -> Result<(), AwsError> {
    match (encryption, key) {
        (Encryption::Customer { key_md5, .. }, Some(key)) if key.md5 == *key_md5 => Ok(()),
        (Encryption::Customer { .. }, Some(_)) => Err(errors::wrong_customer_key()),
        (Encryption::Customer { .. }, None) => Err(errors::invalid_request(
            "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
             retrieve the object.",
        )),
        (_, Some(_)) => Err(errors::invalid_request(
            "The encryption parameters are not applicable to this object.",
        )),
        (_, None) => Ok(()),
    }
}

/// Whether a part comes with the key that its upload was begun with.
pub fn check_part(encryption: &Encryption, key: Option<&Key>) -> Result<(), AwsError> {
    match (encryption, key) {
        (Encryption::Customer { key_md5, .. }, Some(key)) if key.md5 == *key_md5 => Ok(()),
        (Encryption::Customer { .. }, Some(_)) => Err(errors::invalid_request(
            "The provided encryption parameters did not match the ones used originally.",
        )),
        (Encryption::Customer { .. }, None) | (_, Some(_)) => Err(errors::invalid_request(
            "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate \
             encryption parameters.",
        )),
        (_, None) => Ok(()),
    }
}

/// The nonce of an object's own content; 0 where it is not encrypted so.
pub fn nonce_of(encryption: &Encryption) -> u64 {
    match encryption {
        Encryption::Customer { nonce, .. } => *nonce,
        Encryption::S3 | Encryption::Kms { .. } => 0,
    }
}

/// Encrypts or decrypts the bytes of one content, which come in order.
pub struct Cipher(Ctr64BE<Aes256>);

impl Cipher {
    /// Begins at a byte of the content.
    pub fn new(key: &Key, nonce: u64, at: u64) -> Cipher {
        let mut counter = [0; 16];
        for (place, byte) in counter.iter_mut().zip(nonce.to_be_bytes()) {
            *place = byte;
        }
        let mut cipher = Ctr64BE::<Aes256>::new(&key.key.into(), &counter.into());
        cipher.seek(at);
        Cipher(cipher)
    }

    pub fn apply(&mut self, bytes: Bytes) -> Bytes {
        let mut bytes = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&*shared));
        self.0.apply_keystream(&mut bytes);
        bytes.freeze()
    }
}

/// The entity tag of bytes that are stored encrypted: it tells nothing of the bytes themselves.
pub fn etag(nonce: u64, md5: &str) -> String {
    let digest = Md5::new()
        .chain_update(nonce.to_be_bytes())
        .chain_update(md5)
        .finalize();
    hex(&digest)
}

/// The entity tag of an object whose bytes have that MD5. Under keys of KMS it tells nothing of the bytes either.
pub fn etag_under(encryption: &Encryption, md5: String, random: impl FnOnce() -> u64) -> String {
    match encryption {
        Encryption::Customer { nonce, .. } => etag(*nonce, &md5),
        Encryption::Kms { .. } => etag(random(), &md5),
        Encryption::S3 => md5,
    }
}

/// A run of bytes that one content holds: how many, whose nonce, and where in the content they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub length: u64,
    pub nonce: u64,
    pub at: u64,
}

/// Decrypts a stream that is made of such runs.
pub fn decrypt(body: Body, key: Key, runs: impl IntoIterator<Item = Run>) -> Body {
    let runs: VecDeque<Run> = runs.into_iter().filter(|run| run.length > 0).collect();
    Decrypted {
        body,
        key,
        runs,
        current: None,
        ready: VecDeque::new(),
    }
    .boxed_unsync()
}

struct Decrypted {
    body: Body,
    key: Key,
    runs: VecDeque<Run>,
    /// The run under way, and how many bytes of it are to come.
    current: Option<(Cipher, u64)>,
    ready: VecDeque<Bytes>,
}

impl Decrypted {
    /// Decrypts some bytes, which may be of several runs.
    fn take(&mut self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let (mut cipher, left) = match self.current.take().filter(|(_, left)| *left > 0) {
                Some(current) => current,
                None => {
                    let too_long = || io::Error::other("an encrypted object is longer than its parts");
                    let run = self.runs.pop_front().ok_or_else(too_long)?;
                    (Cipher::new(&self.key, run.nonce, run.at), run.length)
                }
            };
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let some = bytes.split_to(count);
            self.ready.push_back(cipher.apply(some));
            self.current = Some((cipher, left - count as u64));
        }
        Ok(())
    }
}

impl HttpBody for Decrypted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data()
                        && let Err(error) = self.take(bytes)
                    {
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        let ready: u64 = self.ready.iter().map(|bytes| bytes.len() as u64).sum();
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + ready),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, Cipher, Key, Run, decrypt};
    use crate::reply::whole;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use http_body_util::BodyExt;
    use md5::{Digest, Md5};

    fn asked(key: &[u8]) -> Asked {
        Asked {
            algorithm: Some("AES256".to_owned()),
            key: Some(STANDARD.encode(key)),
            md5: Some(STANDARD.encode(Md5::digest(key))),
        }
    }

    fn key() -> Key {
        let read = asked(&[7; 32]).read().ok().flatten();
        read.unwrap_or_else(|| panic!("a key"))
    }

    #[test]
    fn keys_are_checked_as_aws_checks_them() {
        let code = |asked: Asked| asked.read().err().map(|error| error.code.into_owned());
        let good = asked(&[7; 32]);
        assert_eq!(code(good.clone()), None);
        let other = asked(&[8; 32]);
        for (wrong, expected) in [
            (
                Asked {
                    algorithm: None,
                    ..good.clone()
                },
                "InvalidArgument",
            ),
            (
                Asked {
                    algorithm: Some("KMS".to_owned()),
                    ..good.clone()
                },
                "InvalidEncryptionAlgorithmError",
            ),
            (
                Asked {
                    key: None,
                    ..good.clone()
                },
                "InvalidArgument",
            ),
            (
                Asked {
                    md5: None,
                    ..good.clone()
                },
                "InvalidArgument",
            ),
            (Asked { md5: other.md5, ..good }, "InvalidArgument"),
            (asked(b"short"), "InvalidArgument"),
        ] {
            assert_eq!(code(wrong).as_deref(), Some(expected));
        }
        assert!(Asked::default().read().is_ok_and(|key| key.is_none()));
    }

    #[tokio::test]
    async fn any_range_of_several_contents_is_decrypted() {
        let plain: Vec<u8> = (0..200u8).collect();
        let sealed = |nonce: u64, bytes: &[u8]| Cipher::new(&key(), nonce, 0).apply(Bytes::copy_from_slice(bytes));
        let (first, second) = (sealed(1, &plain[..120]), sealed(2, &plain[120..]));
        assert!(first[..] != plain[..120] && first[..80] != second[..]);
        for (from, to) in [(0, 200), (5, 119), (119, 121), (130, 199)] {
            let all = [&first[..], &second[..]].concat();
            let within = |start: usize, end: usize| (from.clamp(start, end), to.clamp(start, end));
            let runs = [(1, within(0, 120), 0), (2, within(120, 200), 120)].map(|(nonce, (from, to), base)| Run {
                length: (to - from) as u64,
                nonce,
                at: (from - base) as u64,
            });
            let body = decrypt(whole(Bytes::copy_from_slice(&all[from..to])), key(), runs);
            let read = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            assert_eq!(read, plain[from..to], "{from}..{to}");
        }
    }
}
