//! Damage to messages. The same on every run; the fuzz targets go further.

use virga_shape::random::Chance;

/// The message with bytes changed, cut out, doubled, or put in from `pieces`, which its readers heed.
pub fn damage(message: &[u8], pieces: &[&[u8]], chance: &mut Chance) -> Vec<u8> {
    let mut out = message.to_vec();
    for _ in 0..1 + chance.below(3) {
        let at = chance.below(out.len() + 1);
        match chance.below(5) {
            0 if at < out.len() => out[at] = chance.below(256) as u8,
            1 => {
                let end = (at + 1 + chance.below(12)).min(out.len());
                out.drain(at.min(end)..end);
            }
            2 => {
                let piece = *chance.pick(pieces);
                out.splice(at..at, piece.iter().copied());
            }
            3 => {
                let end = (at + chance.below(24)).min(out.len());
                let copy = out[at..end].to_vec();
                let to = chance.below(out.len() + 1);
                out.splice(to..to, copy);
            }
            _ => out.truncate(at),
        }
    }
    out
}
