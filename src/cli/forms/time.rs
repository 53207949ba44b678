//! Times as a person reads them. A date is in UTC, which readers in all places share.

/// The begin of 2026, when this was written, in seconds since 1970. No clock that is set is
/// earlier.
pub(crate) const WRITTEN: u64 = 1_767_225_600;

/// A time in seconds since 1970, as ISO 8601 has it.
pub(crate) fn utc(secs: u64) -> String {
    let (days, time) = (secs / 86_400, secs % 86_400);
    // A year from March to February ends with the leap day, and the lengths of its months repeat:
    // 31, 30, 31, 30, 31.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A span of time as a person says it: 3 s, 12 min, 5 h, 8 d. It is read from a number of seconds.
pub(crate) fn span(secs: &str) -> String {
    match secs.parse::<u64>() {
        Err(_) => "?".to_owned(),
        Ok(secs @ 0..120) => format!("{secs} s"),
        Ok(secs @ 120..7200) => format!("{} min", secs / 60),
        Ok(secs @ 7200..172_800) => format!("{} h", secs / 3600),
        Ok(secs) => format!("{} d", secs / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // As `date -u` tells them.
        for (secs, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (68_169_599, "1972-02-28 23:59:59 UTC"),
            (68_169_600, "1972-02-29 00:00:00 UTC"),
            (951_868_799, "2000-02-29 23:59:59 UTC"),
            (951_868_800, "2000-03-01 00:00:00 UTC"),
            (WRITTEN - 1, "2025-12-31 23:59:59 UTC"),
            (WRITTEN, "2026-01-01 00:00:00 UTC"),
            (2_147_483_648, "2038-01-19 03:14:08 UTC"),
            (2_208_988_800, "2040-01-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
            (4_294_967_296, "2106-02-07 06:28:16 UTC"),
            (253_402_300_800, "10000-01-01 00:00:00 UTC"),
        ] {
            assert_eq!(utc(secs), expected);
        }
        // The latest that a clock can tell.
        assert!(utc(u64::MAX / 1000).ends_with(" UTC"));
    }

    #[test]
    fn spans_read_well() {
        let spans = ["0", "119", "120", "7199", "7200", "172799", "172800", "?"].map(span);
        assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d", "?"]);
    }
}
