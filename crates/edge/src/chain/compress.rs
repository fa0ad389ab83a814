//! Compressing answers for those who ask: DynamoDB does so beyond 4 KiB.

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::Write;

/// Answers of no more than this are sent as they are.
pub(super) const MIN_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    const ALL: [Encoding; 2] = [Encoding::Gzip, Encoding::Deflate];

    pub(super) fn name(self) -> &'static str {
        match self {
            Encoding::Gzip => "gzip",
            Encoding::Deflate => "deflate",
        }
    }

    /// What an `Accept-Encoding` prefers. Read as leniently as DynamoDB does: `identity` is no choice, a quality that is no
    /// number is 1, and of several parameters the first that ends in `q=` counts.
    pub(super) fn accepted(header: &str) -> Option<Encoding> {
        let mut named: Vec<(Encoding, f64)> = Vec::new();
        let mut any = None;
        for entry in header.split(',') {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            let quality = quality(parameters);
            let name = name.trim();
            if name == "*" {
                any = Some(quality);
            } else if let Some(encoding) = Encoding::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(name)) {
                match named.iter_mut().find(|(other, _)| *other == encoding) {
                    Some((_, before)) => *before = before.max(quality),
                    None => named.push((encoding, quality)),
                }
            }
        }
        if let Some(quality) = any {
            for encoding in Encoding::ALL {
                if !named.iter().any(|(other, _)| *other == encoding) {
                    named.push((encoding, quality));
                }
            }
        }
        // The first of those that are wanted most.
        let wanted = named.into_iter().filter(|(_, quality)| *quality > 0.0);
        let best = wanted.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(encoding, _)| encoding)
    }

    pub(super) fn pack(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        let out = Vec::with_capacity(body.len() / 4);
        match self {
            Encoding::Gzip => {
                let mut encoder = GzEncoder::new(out, Compression::default());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Encoding::Deflate => {
                let mut encoder = ZlibEncoder::new(out, Compression::default());
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}

fn quality(parameters: &str) -> f64 {
    let Some((_, value)) = parameters.split_once("q=") else {
        return 1.0;
    };
    let value = value.split(';').next().unwrap_or_default().trim();
    value.parse::<f64>().map_or(1.0, |quality| quality.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn preferences_are_read_as_dynamodb_reads_them() {
        let cases = [
            ("identity", None),
            ("", None),
            ("x-gzip", None),
            ("gzip, deflate", Some(Encoding::Gzip)),
            ("br, identity, deflate, gzip", Some(Encoding::Deflate)),
            ("dog, GZIP ,, cat", Some(Encoding::Gzip)),
            ("gzip;q=0.5, deflate;q=0.8", Some(Encoding::Deflate)),
            ("*", Some(Encoding::Gzip)),
            ("*, deflate", Some(Encoding::Deflate)),
            ("*, gzip;q=0.5", Some(Encoding::Deflate)),
            ("*;q=0", None),
            ("gzip ;q=0", None),
            ("gzip:q=1", None),
            ("deflate;q=0.5, gzip;q=1;q=0.2", Some(Encoding::Gzip)),
            ("deflate;q=0.5,gzip;q=0.x", Some(Encoding::Gzip)),
            ("deflate;q=-0.5,gzip;q=0.2", Some(Encoding::Gzip)),
            ("gzip;q =0;q=1", Some(Encoding::Gzip)),
            ("gzip;nq=0;q=1", None),
            ("gzip;q=0, gzip;q=1, gzip;q=0", Some(Encoding::Gzip)),
        ];
        for (header, expected) in cases {
            assert_eq!(Encoding::accepted(header), expected, "{header}");
        }
    }
}
