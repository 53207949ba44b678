//! The results, as Markdown.

use std::path::Path;

use foghorn::limits::REGISTRY_CAPACITY;

use crate::command::output;
use crate::file::{libraries, size, stripped_size};
use crate::sample::Sample;
use crate::subject::Subject;

const HEAD: &str = "\
| | resident memory | private memory | threads | wake-ups a minute | file | shared libraries |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |";

/// Prints a row for each, from what it was at the beginning and at the end, and what the figures
/// mean.
pub(crate) fn print(subjects: &[Subject], before: &[Option<Sample>], after: &[Option<Sample>]) {
    println!("{HEAD}");
    for (subject, samples) in subjects.iter().zip(before.iter().zip(after)) {
        let cells = match (&subject.program.file, samples) {
            (Ok(file), (Some(before), Some(after))) => cells(file, before, after),
            _ => subject.reason() + " | | | | |",
        };
        println!("| {} | {cells} |", subject.program.title());
    }
    let said = |program, arguments: &[&str]| {
        output(program, arguments).unwrap_or_default().trim().to_owned()
    };
    println!(
        "
{}, {}. All at once idle for a minute, each on a host of its own with one link, where nobody else speaks.
Foghorn's registry is full: {REGISTRY_CAPACITY} nodes.

Memory is in kB of 1,024 bytes, at the end of the minute: resident is all that is in RAM, private what no other process
has there too. For several processes these are sums: what they share is resident twice. Files are in kB of 1,000 bytes:
the program's without symbols, and the shared libraries that it is loaded with.",
        said("uname", &["-srm"]),
        said("getconf", &["GNU_LIBC_VERSION"]),
    );
}

fn cells(file: &Path, before: &Sample, after: &Sample) -> String {
    let processes = match after.processes {
        1 => String::new(),
        several => format!(" in {several} processes"),
    };
    let libraries = libraries(file);
    let libraries = match libraries.len() {
        0 => "none".to_owned(),
        count => {
            format!("{count} of {}", kilobytes(libraries.iter().map(|library| size(library)).sum()))
        }
    };
    [
        format!("{} kB", grouped(after.resident_kb)),
        format!("{} kB", grouped(after.private_kb)),
        format!("{}{processes}", after.threads()),
        grouped(after.wakeups_since(before)),
        kilobytes(stripped_size(file)),
        libraries,
    ]
    .join(" | ")
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", grouped(bytes.div_ceil(1_000)))
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}
