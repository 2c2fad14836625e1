//! The protobuf wire format, written from its end to its start.
//!
//! A message is preceded by its length. Written backwards, the length is known when its turn comes: one pass, and no
//! bytes to move.

/// A buffer that is filled from the end. Fields are written in descending order, repeated ones last to first.
#[derive(Default)]
pub(super) struct Writer {
    buffer: Vec<u8>,
    /// What is written is `buffer[start..]`.
    start: usize,
}

/// Memory beyond this is given back after a request: one huge request must not stay in memory for ever.
const KEEP: usize = 4 << 20;

impl Writer {
    /// Forgets what was written and keeps the memory, unless that is very much.
    pub fn begin(&mut self) {
        if self.len() > KEEP {
            *self = Writer::default();
        }
        self.start = self.buffer.len();
    }

    /// What is written.
    pub fn written(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// How many bytes are written: taken before a message's fields, it gives the message's length after them.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Room for `count` bytes in front of what is written.
    #[inline(always)]
    pub fn room(&mut self, count: usize) -> &mut [u8] {
        if self.start < count {
            self.grow(count);
        }
        self.start -= count;
        &mut self.buffer[self.start..self.start + count]
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, count: usize) {
        let written = self.len();
        let size = (written + count).max(2 * self.buffer.len()).max(4096);
        let mut buffer = vec![0; size];
        buffer[size - written..].copy_from_slice(self.written());
        self.buffer = buffer;
        self.start = size - written;
    }

    #[inline(always)]
    pub fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.room(N).copy_from_slice(&bytes);
    }

    #[inline(always)]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
    }

    #[inline(always)]
    pub fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.array([value as u8]);
        } else {
            self.long_varint(value);
        }
    }

    fn long_varint(&mut self, mut value: u64) {
        let length = (64 - value.leading_zeros() as usize).div_ceil(7);
        let (last, front) = match self.room(length).split_last_mut() {
            Some(parts) => parts,
            None => return,
        };
        for byte in front {
            *byte = value as u8 | 0x80;
            value >>= 7;
        }
        *last = value as u8;
    }

    /// The tag and the length of a field whose content was written since `before`.
    #[inline(always)]
    pub fn close(&mut self, tag: u8, before: usize) {
        let length = self.len() - before;
        if length < 0x80 {
            self.array([tag, length as u8]);
        } else {
            self.long_varint(length as u64);
            self.array([tag]);
        }
    }

    /// A field of bytes or text, empty or not.
    #[inline(always)]
    pub fn field(&mut self, tag: u8, content: &[u8]) {
        let length = content.len();
        if length < 0x80 {
            let room = self.room(length + 2);
            room[0] = tag;
            room[1] = length as u8;
            room[2..].copy_from_slice(content);
        } else {
            self.bytes(content);
            self.long_varint(length as u64);
            self.array([tag]);
        }
    }

    /// A text field; empty text is its default and takes no room.
    #[inline(always)]
    pub fn text(&mut self, tag: u8, text: &str) {
        if !text.is_empty() {
            self.field(tag, text.as_bytes());
        }
    }

    /// An unsigned field; zero is its default and takes no room.
    #[inline(always)]
    pub fn count(&mut self, tag: u8, value: u32) {
        if value != 0 {
            self.varint(value.into());
            self.array([tag]);
        }
    }

    /// A `bool` field; false is its default and takes no room.
    pub fn bool(&mut self, tag: u8, value: bool) {
        if value {
            self.array([tag, 1]);
        }
    }

    /// An `sint32` field; zero is its default and takes no room.
    pub fn signed(&mut self, tag: u8, value: i32) {
        if value != 0 {
            self.varint(((value << 1) ^ (value >> 31)) as u32 as u64);
            self.array([tag]);
        }
    }

    /// A `double` field that is there, whatever it is.
    #[inline]
    pub fn double(&mut self, tag: u8, value: f64) {
        let room = self.room(9);
        room[0] = tag;
        room[1..].copy_from_slice(&value.to_le_bytes());
    }

    /// A repeated `fixed64` or `double` field, packed; none of them takes no room.
    #[inline]
    pub fn packed64<T: Copy>(&mut self, tag: u8, values: &[T], bits: impl Fn(T) -> u64) {
        if values.is_empty() {
            return;
        }
        let before = self.len();
        for (value, room) in values.iter().zip(self.room(8 * values.len()).chunks_exact_mut(8)) {
            room.copy_from_slice(&bits(*value).to_le_bytes());
        }
        self.close(tag, before);
    }

    /// A repeated `uint64` field, packed; none of them takes no room.
    pub fn packed_varints(&mut self, tag: u8, values: &[u64]) {
        if values.is_empty() {
            return;
        }
        let before = self.len();
        for value in values.iter().rev() {
            self.varint(*value);
        }
        self.close(tag, before);
    }

    /// A `fixed64` field; zero is its default and takes no room.
    #[inline(always)]
    pub fn fixed64(&mut self, tag: u8, value: u64) {
        if value != 0 {
            let room = self.room(9);
            room[0] = tag;
            room[1..].copy_from_slice(&value.to_le_bytes());
        }
    }
}
