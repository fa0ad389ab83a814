//! Thrift's compact protocol, as far as it takes to look into a file before the library does.

/// How deep structures may be nested.
const DEPTH_MAX: u32 = 16;

pub const TRUE: u8 = 1;
pub const FALSE: u8 = 2;
pub const I32: u8 = 5;
pub const LIST: u8 = 9;
pub const STRUCT: u8 = 12;

/// Reads values from the front of what is left. `None` everywhere means that the bytes are no such value.
pub struct Thrift<'b> {
    pub rest: &'b [u8],
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn jump(&mut self, length: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
        Some(())
    }

    pub fn varint(&mut self) -> Option<u64> {
        let mut out = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            out |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(out);
            }
        }
        None
    }

    pub fn integer(&mut self) -> Option<i64> {
        let read = self.varint()?;
        Some((read >> 1) as i64 ^ -((read & 1) as i64))
    }

    /// An integer that counts something.
    pub fn count(&mut self) -> Option<u32> {
        u32::try_from(self.integer()?).ok().filter(|count| *count < 1 << 31)
    }

    /// Calls `visit` with the number and the type of each field; it takes the value.
    pub fn fields(&mut self, visit: &mut dyn FnMut(&mut Self, i64, u8) -> Option<()>) -> Option<()> {
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0F;
            if kind == 0 {
                return Some(());
            }
            id = match head >> 4 {
                0 => self.integer()?,
                step => id.checked_add(i64::from(step))?,
            };
            visit(self, id, kind)?;
        }
    }

    /// How many elements a list has, and of what type. No element is shorter than a byte.
    pub fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let length = match head >> 4 {
            15 => self.varint()?,
            length => u64::from(length),
        };
        (length <= self.rest.len() as u64).then_some((length, head & 0x0F))
    }

    pub fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, DEPTH_MAX)
    }

    fn skip_within(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => Some(()),
            3 => self.jump(1),
            4..=6 => self.varint().map(drop),
            7 => self.jump(8),
            8 => {
                let length = self.varint()?;
                self.jump(length)
            }
            LIST | 10 => {
                let (length, of) = self.list()?;
                // In a list, a truth is a byte.
                let of = if of <= FALSE { 3 } else { of };
                (0..length).try_for_each(|_| self.skip_within(of, depth))
            }
            11 => {
                let length = self.varint()?;
                if length == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                let byte_if_truth = |of: u8| if of <= FALSE { 3 } else { of };
                (0..length).try_for_each(|_| {
                    self.skip_within(byte_if_truth(kinds >> 4), depth)?;
                    self.skip_within(byte_if_truth(kinds & 0x0F), depth)
                })
            }
            STRUCT => self.fields(&mut |thrift, _, kind| thrift.skip_within(kind, depth)),
            13 => self.jump(16),
            _ => None,
        }
    }
}
