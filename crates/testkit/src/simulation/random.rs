//! Chance for simulations: small, fast, and the same on every machine.

/// A generator (SplitMix64) whose draws are decided by its seed.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, and without, `end`; 0 where that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias is below one in 2^32 for all that simulations ask.
        self.draw() % end.max(1)
    }

    /// True `times` out of a hundred.
    pub fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// One of these; `None` where there are none.
    pub fn pick<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        let index = self.below(of.len() as u64);
        of.get(usize::try_from(index).unwrap_or(0))
    }
}
