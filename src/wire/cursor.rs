//! Reading and writing bytes in order, each step checked against the bytes that remain.

/// The bytes ended before the value did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfBytes;

/// Takes big-endian integers and byte strings off the front of a slice.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], OutOfBytes> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(OutOfBytes)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], OutOfBytes> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(OutOfBytes)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, OutOfBytes> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, OutOfBytes> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, OutOfBytes> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, OutOfBytes> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Result<u128, OutOfBytes> {
        self.array().map(u128::from_be_bytes)
    }

    /// Whether there is nothing more.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Puts big-endian integers and byte strings at the front of a slice.
pub(crate) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), OutOfBytes> {
        // The slice is moved out while it is split, so that what remains lives as long as the
        // buffer.
        let (front, rest) =
            core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len()).ok_or(OutOfBytes)?;
        front.copy_from_slice(bytes);
        self.rest = rest;
        Ok(())
    }

    pub(crate) fn u8(&mut self, value: u8) -> Result<(), OutOfBytes> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u16(&mut self, value: u16) -> Result<(), OutOfBytes> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u32(&mut self, value: u32) -> Result<(), OutOfBytes> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u64(&mut self, value: u64) -> Result<(), OutOfBytes> {
        self.bytes(&value.to_be_bytes())
    }

    pub(crate) fn u128(&mut self, value: u128) -> Result<(), OutOfBytes> {
        self.bytes(&value.to_be_bytes())
    }

    /// How many bytes can still be put.
    pub(crate) fn room(&self) -> usize {
        self.rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_in_order_and_stops_at_the_end() {
        let mut reader = Reader::new(&[0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 7]);
        assert_eq!(reader.u16(), Ok(0x1234));
        assert_eq!(reader.u32(), Ok(0xdead_beef));
        assert_eq!(reader.u16(), Err(OutOfBytes));
        assert_eq!(reader.bytes(1), Ok(&[7][..]));
        assert_eq!(reader.bytes(0), Ok(&[][..]));
        assert_eq!(reader.bytes(usize::MAX), Err(OutOfBytes));
    }

    #[test]
    fn writes_in_order_and_never_past_the_end() {
        let mut buffer = [0xa5; 7];
        let mut writer = Writer::new(&mut buffer);
        assert_eq!(writer.u32(0xdead_beef), Ok(()));
        assert_eq!(writer.u16(0x1234), Ok(()));
        assert_eq!(writer.u16(0), Err(OutOfBytes));
        assert_eq!(buffer, [0xde, 0xad, 0xbe, 0xef, 0x12, 0x34, 0xa5]);
    }
}
