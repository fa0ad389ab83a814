//! Some hundred seeds of each simulation; `VIRGA_SIMULATION_SEEDS=5000` runs more, `VIRGA_SIMULATION_SEED=7` that one.

mod proofs;
mod regressions;

use virga_simulation::seeds::{run, run_all};
use virga_simulation::{Conditions, rows};
use virga_testkit::simulation::Plan;

#[test]
fn sqs_keeps_its_word_whatever_happens() {
    let sizes = run_all("sqs_keeps_its_word_whatever_happens", 0, 150, |seed| {
        run(seed, &Conditions::rough())
    });
    if sizes.len() > 1 {
        let calls: usize = sizes.iter().map(|size| size.calls).sum();
        let crashes: usize = sizes.iter().map(|size| size.crashes).sum();
        assert!(
            calls > 50 * sizes.len() && crashes > sizes.len() / 4,
            "{calls} calls, {crashes} crashes"
        );
    }
}

#[test]
fn sqs_keeps_its_word_on_the_disk() {
    let name = format!("virga-simulation-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let sizes = run_all("sqs_keeps_its_word_on_the_disk", 200_000, 24, |seed| {
        let folder = folder.join(seed.to_string());
        let conditions = Conditions {
            folder: Some(folder.clone()),
            crashes: 12,
            ..Conditions::rough()
        };
        let size = run(seed, &conditions);
        let _ = std::fs::remove_dir_all(folder);
        size
    });
    let _ = std::fs::remove_dir_all(folder);
    let crashes: usize = sizes.iter().map(|size| size.crashes).sum();
    assert!(crashes > sizes.len(), "{crashes} crashes");
}

#[test]
fn sqs_keeps_its_word_where_nothing_goes_wrong() {
    let calm = Conditions {
        plan: Plan::default(),
        crashes: 0,
        ..Conditions::rough()
    };
    run_all("sqs_keeps_its_word_where_nothing_goes_wrong", 100_000, 40, |seed| {
        run(seed, &calm)
    });
}

#[test]
fn the_store_keeps_its_word_whatever_happens() {
    let plan = Conditions::rough().plan;
    let counts = run_all("the_store_keeps_its_word_whatever_happens", 0, 150, |seed| {
        rows::run(seed, plan)
    });
    assert!(counts.iter().all(|count| *count > 100), "{counts:?}");
}
