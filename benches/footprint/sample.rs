//! The kernel's figures for the processes of a program.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::common::number;

/// Sums over all processes. Memory is in kB of 1,024 bytes.
pub(crate) struct Sample {
    pub(crate) processes: usize,
    /// In RAM. Pages that two processes share count twice.
    pub(crate) resident_kb: u64,
    /// In RAM and used by no other process.
    pub(crate) private_kb: u64,
    /// How often each thread went to sleep.
    sleeps: HashMap<PathBuf, u64>,
}

impl Sample {
    pub(crate) fn take(processes: &[PathBuf]) -> Self {
        let memory = |key| {
            processes.iter().map(|process| value(&process.join("smaps_rollup"), key).unwrap()).sum()
        };
        let threads =
            processes.iter().flat_map(|process| fs::read_dir(process.join("task")).unwrap());
        let sleeps = threads.filter_map(|thread| {
            let path = thread.unwrap().path();
            // None for a thread that ends just now.
            let sleeps = value(&path.join("status"), "voluntary_ctxt_switches:")?;
            Some((path, sleeps))
        });
        Self {
            processes: processes.len(),
            resident_kb: memory("Rss:"),
            private_kb: memory("Private_Clean:") + memory("Private_Dirty:"),
            sleeps: sleeps.collect(),
        }
    }

    pub(crate) fn threads(&self) -> usize {
        self.sleeps.len()
    }

    /// Each time a thread goes to sleep, it was woken before.
    pub(crate) fn wakeups_since(&self, earlier: &Self) -> u64 {
        let since = |(thread, sleeps)| sleeps - earlier.sleeps.get(thread).unwrap_or(&0);
        self.sleeps.iter().map(since).sum()
    }
}

fn value(file: &Path, key: &str) -> Option<u64> {
    number(&fs::read_to_string(file).ok()?, key)
}
