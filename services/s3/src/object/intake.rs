//! Takes a body in: written as it comes, hashed on the way, refused where it is not what the client says.

use super::checksum::{self, Hasher};
use super::content::Written;
use super::customer::Cipher;
use crate::hex::hex;
use crate::state::{Algorithm, Checksum};
use crate::{errors, limits};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body::Body as _;
use http_body_util::BodyExt;
use md5::{Digest, Md5};
use std::io;
use virga_base::AwsError;
use virga_service::{Body, Ctx};

/// What a request says about its body.
#[derive(Default)]
pub struct Announced {
    pub length: Option<i64>,
    /// `Content-MD5`
    pub md5: Option<String>,
    pub checksum: checksum::Asked,
    /// The algorithm of which a checksum is kept where the client asks for none.
    pub default: Option<Algorithm>,
    /// An algorithm of which a checksum is wanted in any case.
    pub also: Option<Algorithm>,
    /// With which it is kept.
    pub cipher: Option<Cipher>,
    /// Whether its length need not be known before its end.
    pub open_ended: bool,
}

/// A body that has come whole and right.
pub struct Taken {
    pub written: Written,
    pub size: u64,
    /// In hexadecimal: the entity tag of what is stored as one piece.
    pub md5: String,
    pub checksum: Option<Checksum>,
    pub also: Option<Checksum>,
}

/// Reads the request's body to its end. What came wrong leaves nothing behind.
pub async fn take(ctx: &Ctx, announced: Announced) -> Result<Taken, AwsError> {
    let request = ctx.request();
    let is_silent = !request.headers.is_empty()
        && announced.length.is_none()
        && !announced.open_ended
        && request.header("transfer-encoding").is_none();
    if is_silent {
        return Err(errors::missing_content_length());
    }
    take_body(ctx, ctx.take_body(), announced).await
}

/// The same of any body.
pub async fn take_body(ctx: &Ctx, body: Option<Body>, announced: Announced) -> Result<Taken, AwsError> {
    let md5_asked = announced.md5.map(read_md5).transpose()?;
    let length = announced.length.and_then(|length| u64::try_from(length).ok());
    if length.is_none() && !announced.open_ended && body.as_ref().is_some_and(|body| body.size_hint().exact().is_none())
    {
        let chunked = ctx.request().header("transfer-encoding").is_some();
        return Err(if chunked {
            errors::header_not_implemented("Transfer-Encoding", None)
        } else {
            errors::missing_content_length()
        });
    }
    if let Some(length) = length.filter(|length| *length > limits::OBJECT_PUT_MAX_BYTES) {
        return Err(errors::entity_too_large(length));
    }
    let asked = announced.checksum;
    let algorithm = asked.algorithm.or(announced.default);
    let mut intake = Intake {
        writer: ctx.blobs().writer(),
        md5: Md5::new(),
        hasher: algorithm.map(Hasher::new),
        also: announced.also.map(Hasher::new),
        cipher: announced.cipher,
        trailer: None,
    };
    if let Some(body) = body {
        intake.read(body).await?;
    }
    let size = intake.writer.length();
    if length.is_some_and(|length| length != size) {
        return Err(errors::incomplete_body());
    }
    let md5 = intake.md5.finalize();
    if let Some((text, bytes)) = md5_asked
        && bytes != md5.as_slice()
    {
        return Err(errors::bad_digest(&text, &STANDARD.encode(md5)));
    }
    let also = announced.also.zip(intake.also);
    let also = also.map(|(algorithm, hasher)| checksum::full(algorithm, hasher.finish_text()));
    let checksum = match (intake.trailer, algorithm, intake.hasher) {
        // The framing has checked it.
        (Some(trailer), ..) => Some(trailer),
        (None, Some(algorithm), Some(hasher)) => {
            let value = hasher.finish_text();
            if asked.value.is_some_and(|asked| asked != value) {
                return Err(errors::bad_checksum(algorithm.name()));
            }
            Some(checksum::full(algorithm, value))
        }
        (None, ..) => None,
    };
    let finished = intake.writer.finish().await.map_err(|error| not_written(&error))?;
    Ok(Taken {
        written: Written::fresh(ctx, finished),
        size,
        md5: hex(&md5),
        checksum,
        also,
    })
}

struct Intake {
    writer: virga_blob::Writer,
    md5: Md5,
    hasher: Option<Hasher>,
    also: Option<Hasher>,
    cipher: Option<Cipher>,
    /// The checksum that came behind the body.
    trailer: Option<Checksum>,
}

impl Intake {
    async fn read(&mut self, mut body: Body) -> Result<(), AwsError> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(broken)?;
            match frame.into_data() {
                Ok(bytes) => {
                    self.md5.update(&bytes);
                    if let Some(hasher) = &mut self.also {
                        hasher.update(&bytes);
                    }
                    if let Some(hasher) = &mut self.hasher {
                        hasher.update(&bytes);
                    }
                    let bytes = match &mut self.cipher {
                        Some(cipher) => cipher.apply(bytes),
                        None => bytes,
                    };
                    self.writer.write(bytes).await.map_err(|error| not_written(&error))?;
                }
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    self.trailer = trailers.iter().find_map(|(name, value)| {
                        let algorithm = Algorithm::of_header(name.as_str())?;
                        let value = value.to_str().ok()?.to_owned();
                        Some(checksum::full(algorithm, value))
                    });
                }
            }
        }
        Ok(())
    }
}

fn read_md5(text: String) -> Result<(String, Vec<u8>), AwsError> {
    match STANDARD.decode(text.trim()) {
        Ok(bytes) if bytes.len() == 16 => Ok((text, bytes)),
        _ => Err(errors::invalid_digest(&text)),
    }
}

/// What a body that broke off means. Errors of AWS's come through as they are.
fn broken(error: io::Error) -> AwsError {
    if error.kind() == io::ErrorKind::TimedOut {
        return errors::request_timeout();
    }
    error
        .downcast::<AwsError>()
        .unwrap_or_else(|_| errors::incomplete_body())
}

fn not_written(error: &io::Error) -> AwsError {
    AwsError::internal(format!("The object cannot be written: {error}"))
}
