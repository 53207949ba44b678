//! Datagrams of other programs on the protocol's port.

use crate::common::log;
use crate::lan::Lan;

#[test]
fn the_count_of_foreign_datagrams_survives_the_removal_of_their_interface() {
    if !log::can_be_read_or_skip() {
        return;
    }
    let Some(lan) = Lan::new() else { return };
    let [first, second] = [1, 2].map(|number| lan.host(number));
    let nas = first.daemon(&["--id", "nas", "--port", "22"]);
    let wait_for = |count: u32| {
        nas.ask_until(&["status", "--json"], |ended| {
            ended.out.contains(&format!("\"foreign\":{count},"))
        });
    };
    let before = second.peer(b"something else");
    wait_for(1);
    first.ip("link set eth0 down");
    nas.log.wait_for("eth0: no longer used");
    wait_for(1);
    first.ip("link set eth0 up");
    nas.log.wait_for("eth0: up");
    wait_for(1);
    drop(before);
    let _after = second.peer(b"something else");
    wait_for(2);
}
