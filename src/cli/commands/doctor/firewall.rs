//! Firewalls without a rule for foghorn.

use std::io::ErrorKind;
use std::path::Path;

use super::report::Report;
use crate::host::{is_running, read_file};

/// Checks the firewalls of a system below `root`.
pub(super) fn check(report: &mut Report, root: &Path, port: &str) {
    // Only root may read the rules.
    let has = |path, begin: &str| match read_file(&root.join(path)) {
        Ok(text) => {
            Some(text.split(|byte| *byte == b'\n').any(|line| line.starts_with(begin.as_bytes())))
        }
        Err(error) => (error.kind() == ErrorKind::NotFound).then_some(false),
    };
    if has("etc/ufw/ufw.conf", "ENABLED=yes") == Some(true) {
        match has("etc/ufw/user.rules", &format!("-A ufw-user-input -p udp --dport {port} ")) {
            Some(true) => {}
            Some(false) => {
                report.line("warn  ufw may block foghorn: sudo ufw allow $/udp", &[port]);
            }
            None => {
                let line = "warn  ufw may block foghorn, but its rules can't be read: use sudo foghorn doctor";
                report.line(line, &[]);
            }
        }
    }
    if is_running(root, "firewalld") {
        let advice = "warn  firewalld may block foghorn: sudo firewall-cmd --permanent --add-port=$/udp && sudo firewall-cmd --reload";
        report.line(advice, &[port]);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn a_firewall_without_a_rule_is_told_of() {
        let root = Scratch::new("doctor");
        for directory in ["etc/ufw", "proc/7"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        let says = || {
            let mut report = Report::default();
            check(&mut report, &root, "21025");
            assert!(!report.is_bad);
            report.text
        };
        let set = |file, text: &[u8]| fs::write(root.join(file), text).unwrap();
        assert_eq!(says(), "");
        for off in [&b"ENABLED=no\nLOGLEVEL=low\n"[..], b"#ENABLED=yes\n", b"", b"\xff\n"] {
            set("etc/ufw/ufw.conf", off);
            assert_eq!(says(), "");
        }
        set("etc/ufw/ufw.conf", b"# on\nENABLED=yes\nLOGLEVEL=low\n");
        assert_eq!(says(), "warn  ufw may block foghorn: sudo ufw allow 21025/udp\n");
        for closed in [&b"-A ufw-user-input -p tcp --dport 21025 -j ACCEPT\n-A ufw-user-input -p udp --dport 210 -j ACCEPT\n"[..], b"\xff\xff", b"\n"]
        {
            set("etc/ufw/user.rules", closed);
            assert!(says().contains("ufw"));
        }
        for source in ["", "-s 198.18.0.0/24 "] {
            let rule =
                format!("*filter\n-A ufw-user-input -p udp --dport 21025 {source}-j ACCEPT\n");
            set("etc/ufw/user.rules", rule.as_bytes());
            assert_eq!(says(), "", "{source}");
        }
        fs::remove_file(root.join("etc/ufw/user.rules")).unwrap();
        fs::create_dir(root.join("etc/ufw/user.rules")).unwrap();
        let unread =
            "warn  ufw may block foghorn, but its rules can't be read: use sudo foghorn doctor\n";
        assert_eq!(says(), unread);
        set("etc/ufw/ufw.conf", b"ENABLED=no\n");
        set("proc/7/comm", b"firewalld\n");
        assert!(says().starts_with("warn  firewalld may"), "{}", says());
    }
}
