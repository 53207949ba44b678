//! Attributes of rtnetlink(7): the properties of a message's object, each with a kind and a value.

use nix::libc;

/// The names that an interface has besides its own, as `ip link property` gives them. Linux has
/// them since 5.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlternativeNames<'a>(pub(super) &'a [u8]);

impl<'a> AlternativeNames<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        attributes(self.0)
            .filter(|(kind, _)| *kind == libc::IFLA_ALT_IFNAME)
            .map(|(_, name)| text(name))
    }
}

#[cfg(test)]
impl AlternativeNames<'static> {
    /// These names, encoded as the kernel does.
    pub(crate) fn of(names: &[&str]) -> Self {
        let name =
            |name: &&str| attribute_of(libc::IFLA_ALT_IFNAME, format!("{name}\0").as_bytes());
        Self(names.iter().flat_map(name).collect::<Vec<_>>().leak())
    }
}

/// The text before the first zero byte.
pub(super) fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The value of the first attribute of a kind.
pub(super) fn attribute(bytes: &[u8], wanted: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(kind, _)| *kind == wanted).map(|(_, value)| value)
}

/// The kind and the value of each attribute: `rtattr` is length and kind. The last value may be cut
/// short.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(bytes, 0)?);
        // The two highest bits say how to read the value.
        let kind = u16_at(bytes, 2)? & 0x3fff;
        let value = bytes.get(4..length.min(bytes.len()))?;
        bytes = bytes.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

pub(super) fn aligned(length: usize) -> usize {
    length.saturating_add(3) & !3
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(offset..)?.first_chunk()?))
}

/// An attribute.
#[cfg(test)]
pub(super) fn attribute_of(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).unwrap();
    let mut bytes = [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), value].concat();
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_behind_padding() {
        let mut bytes = Vec::new();
        for (length, kind, value) in [(5_u16, 9_u16, &b"x\0\0\0"[..]), (8, 3, b"lo\0\0")] {
            bytes.extend(length.to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
        }
        assert_eq!(attribute(&bytes, 9), Some(&b"x"[..]));
        assert_eq!(attribute(&bytes, 3), Some(&b"lo\0\0"[..]));
        assert_eq!(attribute(&bytes, 4), None);
        // A length of zero would stand still for ever.
        assert_eq!(attribute(&[0; 64], 4), None);
    }
}
