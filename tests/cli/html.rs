//! `foghorn list --html`, parsed by a browser.

use std::fs;
use std::process::Command;

use crate::Loopback;
use crate::assert_failed;
use crate::common::{Directory, Ended, is_emulated, run, tool::find};

/// Names that would change the page if they were treated as markup, with their form as text.
const HOSTILE: [(&str, &str); 7] = [
    ("<script>document.title=1</script>", "&lt;script&gt;document.title=1&lt;/script&gt;"),
    ("<img/src=x/onerror=document.title=2>", "&lt;img/src=x/onerror=document.title=2&gt;"),
    ("\"onmouseover=\"alert(3)", "\"onmouseover=\"alert(3)"),
    ("'><svg/onload=alert(4)>", "'&gt;&lt;svg/onload=alert(4)&gt;"),
    ("</td></table></style><!--", "&lt;/td&gt;&lt;/table&gt;&lt;/style&gt;&lt;!--"),
    ("&lt;b&gt;&#0;", "&amp;lt;b&amp;gt;&amp;#0;"),
    ("שלום", "שלום"),
];

/// The elements of a page after a browser has parsed it, as text again. None without a browser.
fn rendered(loopback: &Loopback, page: &str) -> Option<String> {
    let chromium = find("chromium", "chromium")?;
    let file = loopback.directory.path("page.html");
    fs::write(&file, page).unwrap();
    let mut command = Command::new("timeout");
    command.arg("120").arg(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
    ]);
    command.args([
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]);
    command.arg(format!("--user-data-dir={}", loopback.directory.path("browser").display()));
    let ended =
        command.arg("--dump-dom").arg(format!("file://{}", file.display())).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
    Some(String::from_utf8(ended.stdout).unwrap())
}

/// Requests the page, which is valid like any other answer.
fn page(loopback: &Loopback) -> String {
    let Ended { code, out, err } = loopback.daemon.ask(&["list", "--html"]);
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

#[test]
fn hostile_names_are_text_in_a_browser() {
    if is_emulated() {
        return;
    }
    let loopback = Loopback::new(&[]);
    for (name, _) in HOSTILE {
        loopback.hear(name, 22);
    }
    let Some(dom) = rendered(&loopback, &page(&loopback)) else { return };
    for (_, text) in HOSTILE {
        assert!(
            dom.contains(&format!("<tr><td>{text}</td><td>127.0.0.1:22</td><td>lo</td>")),
            "{text} in {dom}"
        );
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(dom.contains(&format!("<title>Nodes at {}</title>", host.trim_end())), "{dom}");
    // In the text that a browser writes, `<` always starts a tag.
    let (_, body) = dom.split_once("<body>").unwrap();
    for tag in body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.trim_start_matches('/');
        let is_plain = ["h1", "p", "table", "tbody", "tr", "th", "td", "meter", "body", "html"]
            .contains(&name);
        assert!(is_plain || name.starts_with("meter max=\"100\" low=\"20\" "), "<{tag}> in {dom}");
    }
    assert_eq!(body.matches("<tr>").count(), HOSTILE.len() + 1, "{dom}");
}

#[test]
fn a_browser_shows_an_empty_list() {
    let loopback = Loopback::new(&[]);
    let page = page(&loopback);
    assert!(page.contains(" UTC\n<p>No node has been heard yet: wait 30 s, "), "{page}");
    assert_failed(&loopback.daemon.ask(&["list", "--html", "--json"]), 2, "--html or --json");
    assert_failed(&loopback.daemon.ask(&["watch", "--html"]), 2, "--html");
}

#[test]
fn html_without_a_daemon_is_an_error_page() {
    let directory = Directory::new();
    let control = directory.path("<none>");
    let ended = run(&["list", "--html", "--control", control.to_str().unwrap()]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.err.starts_with("foghorn: no daemon answers at "), "{ended:?}");
    assert!(
        ended.out.starts_with("<!DOCTYPE html>\n") && ended.out.contains("<p>As of 20"),
        "{ended:?}"
    );
    assert!(
        ended.out.contains("<mark>no daemon answers at ") && ended.out.contains("/&#60;none&#62;")
    );
    let plain = run(&["list", "--control", control.to_str().unwrap()]);
    assert_failed(&plain, 3, "no daemon answers at ");
}

#[test]
fn the_page_loads_no_other_resources() {
    let loopback = Loopback::new(&[]);
    loopback.hear("nas", 22);
    let page = page(&loopback);
    for foreign in ["script", "http:", "https:", "//", "url(", "@import", "src=", "href="] {
        let found = page.contains(foreign);
        assert!(!found, "{foreign} in {page}");
    }
    assert!(page.starts_with("<!DOCTYPE html>\n") && page.contains("default-src 'none'"), "{page}");
}
