//! Helpers of the benchmark programs.

#![allow(dead_code, reason = "each benchmark program uses its own part of this")]

/// Whether `cargo bench` runs this. `cargo test --benches` does not say so and only checks that the
/// program works.
pub(crate) fn is_bench_run() -> bool {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    has("--bench") && !has("--test")
}

/// How much to do: `full` to measure, `short` to check that the program works.
pub(crate) fn effort<T>(full: T, short: T) -> T {
    if is_bench_run() { full } else { short }
}

/// The sample that `percent` of all samples do not exceed; not a number if there is none.
pub(crate) fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples.get(samples.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(samples: &mut [f64]) -> f64 {
    percentile(samples, 50)
}

/// Says whether what was measured is as small as it should be. A short run measures too little to
/// tell.
pub(crate) fn goal(what: &str, measured: f64, limit: f64, unit: &str) {
    let verdict = if measured <= limit { "reached" } else { "NOT reached" };
    let verdict = effort(verdict, "not judged");
    println!("goal: {what} <= {limit}{unit}: {measured:.2}{unit}, {verdict}");
}

/// The number after `key` in what a file of `/proc` says.
pub(crate) fn number(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    value.split_whitespace().next()?.parse().ok()
}
