//! Proofs that the checkers notice: each breaks a promise on purpose, and must be found out.

use virga_simulation::seeds::run;
use virga_simulation::{Call, Conditions, check, rows, simulate};
use virga_testkit::simulation::{Misdeed, Plan};

fn bad(misdeed: Misdeed) -> Conditions {
    let rough = Conditions::rough();
    Conditions {
        plan: Plan {
            misdeed: Some(misdeed),
            ..rough.plan
        },
        crashes: 15,
        ..rough
    }
}

/// The first complaint about an engine within some seeds.
fn complaint(misdeed: Misdeed, seeds: u64) -> Option<String> {
    (0..seeds).find_map(|seed| run(seed, &bad(misdeed)).err())
}

#[test]
fn an_engine_that_loses_what_it_has_answered_is_found_out() {
    let complaint = complaint(Misdeed::LoseDurable, 20);
    assert!(complaint.is_some_and(|why| why.contains("the crash took it back")));
    let plan = bad(Misdeed::LoseDurable).plan;
    assert!((0..20).any(|seed| rows::run(seed, plan).is_err()));
}

#[test]
fn an_engine_that_drops_commits_is_found_out() {
    assert!(complaint(Misdeed::DropEach(50), 5).is_some());
    let plan = bad(Misdeed::DropEach(50)).plan;
    assert!((0..5).any(|seed| rows::run(seed, plan).is_err()));
}

#[test]
fn an_engine_that_answers_on_what_may_be_lost_is_found_out() {
    let complaint = complaint(Misdeed::AnswerUnchangedEarly, 60);
    assert!(complaint.is_some_and(|why| why.contains("the crash took it back")));
}

#[test]
fn a_wrong_answer_is_found_out() -> Result<(), String> {
    let (mut lost, mut twice) = (0, 0);
    for seed in 0..3 {
        for duplicate in [false, true] {
            let mut epochs = simulate(seed, &Conditions::rough())?.epochs;
            let calls = epochs.iter_mut().flat_map(|epoch| epoch.calls.values_mut());
            let receives = calls.filter(|called| called.told && matches!(called.call, Call::Receive { .. }));
            let messages =
                receives.filter_map(|called| called.answer.as_mut()?.as_mut().ok()?["Messages"].as_array_mut());
            let Some(messages) = messages.last() else { continue };
            match (messages.pop(), duplicate) {
                (Some(message), true) => messages.extend([message.clone(), message]),
                _ => lost += 1,
            }
            twice += usize::from(duplicate);
            assert!(check(&epochs).is_err(), "seed {seed}");
        }
    }
    assert!(lost > 0 && twice > 0);
    Ok(())
}

#[test]
fn a_seed_always_gives_the_same() -> Result<(), String> {
    for seed in 0..3 {
        let played = || simulate(seed, &Conditions::rough()).map(|outcome| format!("{:?}", outcome.epochs));
        assert_eq!(played()?, played()?);
    }
    assert_ne!(
        simulate(1, &Conditions::rough()).map(|outcome| format!("{:?}", outcome.epochs)),
        simulate(2, &Conditions::rough()).map(|outcome| format!("{:?}", outcome.epochs))
    );
    Ok(())
}
