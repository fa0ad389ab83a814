//! Bytes as hexadecimal digits.

/// Lower-case hexadecimal digits, two for each byte.
pub fn hex(bytes: &[u8]) -> String {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let mut digits = Vec::with_capacity(bytes.len() * 2);
    for word in words {
        digits.extend_from_slice(&hex_digits(*word));
    }
    digits.extend(hex_digits(last).into_iter().take(rest.len() * 2));
    // They are ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// The digits of four bytes, all worked out at once: ids and sums are written for every call.
pub(crate) fn hex_digits(bytes: [u8; 4]) -> [u8; 8] {
    const ONES: u64 = u64::MAX / 255;
    // A digit's value in each byte, the first on top.
    let mut values = u64::from(u32::from_be_bytes(bytes));
    values = (values | values << 16) & 0x0000_ffff_0000_ffff;
    values = (values | values << 8) & 0x00ff_00ff_00ff_00ff;
    values = (values | values << 4) & (ONES * 0x0f);
    // One where the digit is a letter.
    let letters = ((values + ONES * 6) >> 4) & ONES;
    (values + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn every_byte_has_its_two_digits() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let expected: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex(&all), expected);
        for length in 0..9 {
            assert_eq!(hex(&all[250 - length..250]), expected[2 * (250 - length)..500]);
        }
    }
}
