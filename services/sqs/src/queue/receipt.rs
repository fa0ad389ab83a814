//! Receipt handles: which message, and which receive of it, in a form that clients take for random.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a receipt handle says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub queue: u64,
    pub data: u64,
    /// The number of the message's group, 0 without.
    pub group: u64,
    pub sequence: u64,
    /// Which receive of the message it was.
    pub received: u32,
}

/// Every handle of AWS's begins with `AQEB`.
const PREFIX: [u8; 3] = [1, 1, 1];
const LENGTH: usize = 3 + 8 * 4 + 4 + 8;

impl Receipt {
    pub fn to_handle(self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&PREFIX);
        // The queue's id is random, and masks the rest so that handles of neighbours do not look alike.
        bytes.extend_from_slice(&self.queue.to_be_bytes());
        for (i, part) in [self.data, self.group, self.sequence].into_iter().enumerate() {
            bytes.extend_from_slice(&(part ^ mix(self.queue, i as u64)).to_be_bytes());
        }
        bytes.extend_from_slice(&(self.received ^ mix(self.queue, 3) as u32).to_be_bytes());
        bytes.extend_from_slice(&checksum(&bytes).to_be_bytes());
        STANDARD.encode(&bytes)
    }

    /// `None` for what was never a handle.
    pub fn parse(handle: &str) -> Option<Receipt> {
        let bytes = STANDARD.decode(handle).ok()?;
        let (body, sum) = bytes.split_last_chunk::<8>()?;
        if bytes.len() != LENGTH || u64::from_be_bytes(*sum) != checksum(body) {
            return None;
        }
        let mut rest = body.strip_prefix(&PREFIX)?;
        let queue = take(&mut rest)?;
        let mut part = |i| take(&mut rest).map(|part| part ^ mix(queue, i));
        let (data, group, sequence) = (part(0)?, part(1)?, part(2)?);
        let received = u32::from_be_bytes(rest.try_into().ok()?) ^ mix(queue, 3) as u32;
        Some(Receipt {
            queue,
            data,
            group,
            sequence,
            received,
        })
    }
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_be_bytes(*head))
}

/// SplitMix64's output function over a running state.
fn mix(seed: u64, step: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(step + 1));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Tells handles from other text; it keeps nobody from forging one.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.chunks(8).enumerate().fold(0, |sum, (i, chunk)| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(sum ^ u64::from_be_bytes(word), i as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::Receipt;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn handles_read_back(queue in any::<u64>(), data in any::<u64>(), group in any::<u64>(),
                             sequence in any::<u64>(), received in any::<u32>()) {
            let receipt = Receipt { queue, data, group, sequence, received };
            let handle = receipt.to_handle();
            assert!(handle.starts_with("AQEB"));
            assert_eq!(Receipt::parse(&handle), Some(receipt));
            assert_eq!(Receipt::parse(&handle[4..]), None);
        }

        #[test]
        fn other_text_is_no_handle(text in any::<String>()) {
            assert_eq!(Receipt::parse(&text), None);
        }
    }
}
