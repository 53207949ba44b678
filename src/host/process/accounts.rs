//! The lists of users and groups of this machine; passwd(5) and group(5).

use std::path::Path;

use crate::host::files::regular_file::read_file;

/// Where the groups are listed.
const GROUPS: &str = "/etc/group";

/// The fields of a line: name, number, and the one after that: a user's group, or a group's
/// members. The password, between name and number, is left out.
pub(crate) type Account<'a> = (&'a str, u32, &'a [u8]);

/// The first line of a list that satisfies the condition.
pub(crate) fn find<'a>(
    list: &'a [u8],
    is_right: &dyn Fn(Account<'a>) -> bool,
) -> Option<Account<'a>> {
    list.split(|byte| *byte == b'\n').filter_map(parse).find(|account| is_right(*account))
}

fn parse(line: &[u8]) -> Option<Account<'_>> {
    let mut fields = line.split(|byte| *byte == b':');
    let name = std::str::from_utf8(fields.next()?).ok().filter(|name| !name.is_empty())?;
    Some((name, number(fields.nth(1)?)?, fields.next().unwrap_or_default()))
}

/// The number of a user or a group. The highest stands for none.
pub(crate) fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.parse().ok().filter(|number| *number != u32::MAX)
}

/// The name of a group.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    let groups = read_file(Path::new(GROUPS)).ok()?;
    find(&groups, &|(_, number, _)| number == gid).map(|(name, ..)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_name_and_a_number() {
        for (line, expected) in [
            ("foghorn:x:997:pi,anna", Some(("foghorn", 997, "pi,anna"))),
            ("foghorn:x:997", Some(("foghorn", 997, ""))),
            ("foghorn:x:", None),
            ("foghorn:x", None),
            (":x:997:", None),
            ("", None),
            ("foghorn:x:4294967295:", None),
            ("foghorn:x:-1:", None),
            ("foghorn:x:many:", None),
        ] {
            let expected = expected.map(|(name, number, next)| (name, number, next.as_bytes()));
            assert_eq!(parse(line.as_bytes()), expected, "{line:?}");
        }
        assert_eq!(parse(b"\xff:x:1:"), None);
    }
}
