//! JSON of values that are told, not held in a tree.

use super::Names;
use super::writer::{write_base64, write_plain, write_string};
use virga_shape::{Hear, ShapeRef};

/// Writes what it is told.
pub(super) struct Told<'o> {
    out: &'o mut Vec<u8>,
    names: Names,
    /// A value has just ended, so that another is parted from it by a comma.
    parted: bool,
}

impl<'o> Told<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, names: Names) -> Told<'o> {
        Told {
            out,
            names,
            parted: false,
        }
    }

    fn part(&mut self) {
        if self.parted {
            self.out.push(b',');
        }
    }

    fn open(&mut self, byte: u8) {
        self.part();
        self.out.push(byte);
        self.parted = false;
    }

    /// A key, and its structure as far as the only member's value.
    fn open_entry(&mut self, key: &str, (shape, index): (ShapeRef, u16)) {
        self.part();
        write_string(self.out, key);
        self.out.extend_from_slice(b":{");
        if let Some(member) = shape.members().get(usize::from(index)) {
            write_plain(self.out, self.names.of(member));
        }
        self.out.push(b':');
    }

    fn close(&mut self, byte: u8) {
        self.out.push(byte);
        self.parted = true;
    }
}

impl Hear for Told<'_> {
    fn text(&mut self, text: &str) {
        self.part();
        write_string(self.out, text);
        self.parted = true;
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.open(b'"');
        write_base64(self.out, bytes);
        self.close(b'"');
    }

    fn bool(&mut self, value: bool) {
        self.part();
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self.parted = true;
    }

    fn open_list(&mut self) {
        self.open(b'[');
    }

    fn close_list(&mut self) {
        self.close(b']');
    }

    fn open_map(&mut self) {
        self.open(b'{');
    }

    fn key(&mut self, key: &str) {
        self.part();
        write_string(self.out, key);
        self.out.push(b':');
        self.parted = false;
    }

    fn close_map(&mut self) {
        self.close(b'}');
    }

    fn only_member(&mut self, shape: ShapeRef, index: u16) {
        self.open(b'{');
        if let Some(member) = shape.members().get(usize::from(index)) {
            // No model's names need escapes.
            write_plain(self.out, self.names.of(member));
        }
        self.out.push(b':');
    }

    fn close_structure(&mut self) {
        self.close(b'}');
    }

    fn text_entry(&mut self, key: &str, member: (ShapeRef, u16), text: &str) {
        self.open_entry(key, member);
        write_string(self.out, text);
        self.close(b'}');
    }

    fn plain_entry(&mut self, key: &str, member: (ShapeRef, u16), plain: &[u8]) {
        self.open_entry(key, member);
        self.out.reserve(plain.len() + 3);
        self.out.push(b'"');
        self.out.extend_from_slice(plain);
        self.out.extend_from_slice(b"\"}");
        self.parted = true;
    }
}
