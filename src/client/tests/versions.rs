//! A daemon of another version. The replies of version 0.1.0 are recorded.

use super::*;
use crate::control::{ErrorCode, Request};

/// The replies of a daemon of version 0.1.0: IPv4 addresses alone, and no later keys.
const OLD: &str = "version protocol=1 foghorn=0.1.0\nok\n";
const OLD_LIST: &str = "\
own id=pi addresses=198.18.0.1:22,127.0.0.1:22 interface=eth0 age_s=0 known_s=12 expires_s=0 heard=0 contested=no own=yes
node id=nas addresses=198.18.0.2:22000 interface=eth0 age_s=3 known_s=120 expires_s=87 heard=4 contested=no
node id=tv addresses=198.18.0.7:80,198.18.0.8:80 interface=- age_s=0 known_s=1 expires_s=90 heard=2 contested=yes
ok
";
const OLD_WATCH: &str = "\
known id=nas address=198.18.0.2:22000 interface=eth0
found id=tv address=198.18.0.7:80 interface=eth0
moved id=nas address=198.18.0.3:22000 interface=wlan0
contested id=tv address=198.18.0.7:80 interface=eth0 rival=198.18.0.8:80
lost id=nas address=198.18.0.3:22000 interface=-
";

/// This client needs nothing that version 0.1.0 does not say.
#[test]
fn a_daemon_of_version_0_1_0_is_understood() {
    let nodes = client(format!("{OLD}{OLD_LIST}")).nodes().unwrap();
    let told: Vec<_> = nodes.iter().map(|node| (node.id.as_str(), node.addresses.len())).collect();
    assert_eq!(told, [("pi", 2), ("nas", 1), ("tv", 2)]);
    assert_eq!([true, false, false], [0, 1, 2].map(|number: usize| nodes[number].own));
    let nas = OLD_LIST.lines().nth(1).unwrap();
    let found = client(format!("{OLD}{nas}\nok\n")).lookup("nas").unwrap().unwrap();
    assert_eq!(found.addresses, [address("198.18.0.2:22000")]);

    let watch = client(format!("{OLD}{OLD_WATCH}")).watch().unwrap();
    let events: Vec<_> = watch.map_while(Result::ok).collect();
    let rival = address("198.18.0.8:80");
    assert_eq!(
        events.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [
            EventKind::Known,
            EventKind::Found,
            EventKind::Moved,
            EventKind::Contested { rival },
            EventKind::Lost
        ]
    );
}

#[test]
fn a_daemon_and_a_client_that_do_not_understand_each_other_say_so() {
    let advice = ": is it of another version? Restart it if foghorn was updated";
    let refused = "error bad-request requests are lookup NODE, list, watch, status, version\n";
    let error = client(format!("{OLD}{refused}")).nodes().unwrap_err();
    assert!(error.refuses(ErrorCode::BadRequest));
    assert_eq!(
        error.to_string(),
        format!(
            "the daemon refused: requests are lookup NODE, list, watch, status, version{advice}"
        )
    );
    let refused = "error version this daemon speaks version 2 of the protocol, not 1\n";
    let error = connection(refused).send(&Request::List).unwrap_err();
    assert!(error.refuses(ErrorCode::Version) && error.to_string().ends_with(advice), "{error}");
    // A key that a later client needs is named where it is missing.
    let cut = OLD_LIST.replace(" contested=no", "");
    let error = client(format!("{OLD}{cut}")).nodes().unwrap_err();
    assert_eq!(error.to_string(), format!("the daemon's answer has no valid contested{advice}"));
    // Other refusals have other reasons.
    let busy = "error busy all client slots are taken: try again later\n";
    let error = connection(busy).send(&Request::List).unwrap_err();
    assert!(error.refuses(ErrorCode::Busy) && !error.to_string().contains("version"), "{error}");
}
