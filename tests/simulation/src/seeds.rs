//! Which seeds are run, and how a failure is told.

use crate::{Conditions, check, simulate};

/// Runs one seed; answers how much happened, or what is wrong, for people.
pub fn run(seed: u64, conditions: &Conditions) -> Result<Size, String> {
    let outcome = simulate(seed, conditions)?;
    if let Err(violation) = check(&outcome.epochs) {
        return Err(format!("{}\n\n{}", violation.trace.join("\n"), violation.why));
    }
    if !outcome.left.is_empty() {
        return Err(format!(
            "rows are left when all queues are gone:\n{}",
            outcome.left.join("\n")
        ));
    }
    Ok(Size {
        calls: outcome.epochs.iter().map(|epoch| epoch.calls.len()).sum(),
        transactions: outcome.epochs.iter().map(|epoch| epoch.events.len()).sum(),
        crashes: outcome.epochs.len() - 1,
    })
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub calls: usize,
    pub transactions: usize,
    pub crashes: usize,
}

/// Runs `count` seeds from `first` on, or the one of `VIRGA_SIMULATION_SEED`, or as many as `VIRGA_SIMULATION_SEEDS` says.
/// Panics at the first failure with the seed, what led to it, and the command that repeats it.
pub fn run_all<T: std::fmt::Debug>(
    test: &str,
    first: u64,
    count: u64,
    run: impl Fn(u64) -> Result<T, String>,
) -> Vec<T> {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match (setting("VIRGA_SIMULATION_SEED"), setting("VIRGA_SIMULATION_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, count_wanted) => first..first + count_wanted.unwrap_or(count),
    };
    seeds
        .map(|seed| {
            run(seed).unwrap_or_else(|why| {
                panic!(
                    "{why}\n\nseed {seed}; to see it again:\n  \
                     VIRGA_SIMULATION_SEED={seed} cargo test -p virga-simulation {test}\n"
                )
            })
        })
        .collect()
}
