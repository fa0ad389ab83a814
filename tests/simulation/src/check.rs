//! Holds a history against the model: the calls in the order of their last transactions, rolled back at each crash to what
//! the crash left.

use crate::call::Call;
use crate::history::{Called, Epoch};
use crate::model::{Model, Verdict, queue_of};
use std::collections::BTreeMap;
use std::fmt::Write;
use virga_testkit::simulation::{Ending, Event};

/// What is wrong, and what led to it.
#[derive(Debug)]
pub struct Violation {
    pub why: String,
    /// The last calls and crashes before, the latest last.
    pub trace: Vec<String>,
}

const TRACE_MAX: usize = 40;
const LINE_MAX: usize = 260;

#[derive(Default)]
struct Checker {
    model: Model,
    trace: Vec<String>,
    begin_ms: i64,
}

/// Checks all epochs in order.
pub fn check(epochs: &[Epoch]) -> Result<(), Violation> {
    let mut checker = Checker {
        begin_ms: epochs
            .iter()
            .flat_map(|epoch| &epoch.events)
            .map(|happened| happened.at_ms)
            .next()
            .unwrap_or(0),
        ..Checker::default()
    };
    let verdict = epochs.iter().try_for_each(|epoch| checker.epoch(epoch));
    verdict.and_then(|()| checker.model.check_empty()).map_err(|why| {
        let from = checker.trace.len().saturating_sub(TRACE_MAX);
        Violation {
            why,
            trace: checker.trace.split_off(from),
        }
    })
}

/// A call in one line.
pub fn show(task: u64, called: &Called) -> String {
    let mut line = format!("#{task} {:?}", called.call);
    let _ = match &called.answer {
        Some(Ok(answer)) => write!(line, " → {answer}"),
        Some(Err(code)) => write!(line, " → {code}"),
        None => write!(line, " → never answered"),
    };
    if let Some((end, _)) = line.char_indices().nth(LINE_MAX) {
        line.replace_range(end.., "…");
    }
    if !called.told {
        line.push_str(" (nobody was told)");
    }
    line
}

/// Whether a key is of the table of SQS's move tasks (0x0210), which a step always writes.
fn is_move(key: &[u8]) -> bool {
    let region = b"us-east-1";
    let at = key.windows(region.len()).position(|window| window == region);
    let rest = at
        .and_then(|at| key.get(at + region.len()..at + region.len() + 4))
        .unwrap_or_default();
    rest.windows(2).any(|window| window == [0x02, 0x10])
}

impl Checker {
    fn note(&mut self, at_ms: i64, what: &str) {
        let (seconds, millis) = ((at_ms - self.begin_ms) / 1000, (at_ms - self.begin_ms) % 1000);
        self.trace.push(format!("{seconds:>6}.{millis:03} s  {what}"));
    }

    fn epoch(&mut self, epoch: &Epoch) -> Verdict {
        // Where each task's transactions are, by index.
        let mut of_task: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (index, happened) in epoch.events.iter().enumerate() {
            of_task.entry(happened.event.task).or_default().push(index);
        }
        let mut effects: BTreeMap<usize, u64> = BTreeMap::new();
        for task in epoch.calls.keys() {
            effects.extend(
                of_task
                    .get(task)
                    .and_then(|indices| indices.last())
                    .map(|last| (*last, *task)),
            );
        }
        let mut steps: BTreeMap<usize, &str> = BTreeMap::new();
        for (task, source) in &epoch.moves {
            let indices = of_task.get(task).into_iter().flatten().copied();
            let step = indices
                .into_iter()
                .find(|index| epoch.events[*index].event.keys.iter().any(|key| is_move(key)));
            steps.extend(step.map(|step| (step, source.as_str())));
        }
        let mut still = epoch.still.iter().peekable();
        let mut survivor: Option<Model> = None;
        for (index, happened) in epoch.events.iter().enumerate() {
            while let Some(moment) = still.next_if(|moment| moment.after <= index) {
                self.nobody_sleeps_on(
                    moment.at_ms,
                    moment.waiting.iter().filter_map(|task| epoch.calls.get(task)),
                )?;
            }
            let (at_ms, event) = (happened.at_ms, &happened.event);
            if survivor.is_none() && epoch.survives.is_some_and(|survives| event.commits > survives) {
                survivor = Some(self.model.clone());
            }
            if let Some(source) = steps.get(&index).filter(|_| event.changed) {
                self.note(at_ms, &format!("moves {:?} out of {source}", event.marks));
                self.model.step(source, at_ms, &event.marks)?;
            }
            self.look(epoch, event, effects.get(&index), at_ms)?;
            let Some((task, called)) = effects
                .get(&index)
                .and_then(|task| Some((*task, epoch.calls.get(task)?)))
            else {
                continue;
            };
            if called.answer.is_none() && !matches!(called.call, Call::Send { .. }) {
                continue;
            }
            self.note(at_ms, &show(task, called));
            let marks = if event.ending == Ending::Commit {
                &event.marks[..]
            } else {
                &[]
            };
            self.model
                .apply(called, at_ms, marks, event.changed)
                .map_err(|why| format!("call #{task}: {why}"))?;
            let lost = epoch.survives.is_some_and(|survives| event.commits > survives);
            if lost && called.told && event.ending != Ending::Refused {
                return Err(format!("call #{task} was answered, and the crash took it back"));
            }
        }
        for moment in still {
            self.nobody_sleeps_on(
                moment.at_ms,
                moment.waiting.iter().filter_map(|task| epoch.calls.get(task)),
            )?;
        }
        if let Some(survives) = epoch.survives {
            let at_ms = epoch.events.last().map_or(self.begin_ms, |happened| happened.at_ms);
            self.note(at_ms, &format!("crash; {survives} commits survive"));
        }
        if let Some(model) = survivor {
            self.model = model;
        }
        Ok(())
    }

    /// A look of a receiver that found nothing for itself may have moved dead letters all the same.
    fn look(&mut self, epoch: &Epoch, event: &Event, effect: Option<&u64>, at_ms: i64) -> Verdict {
        let Some(called) = epoch.calls.get(&event.task) else {
            return Ok(());
        };
        let Call::Receive { queue, .. } = &called.call else {
            return Ok(());
        };
        let is_answer = effect.is_some() && matches!(called.answer, Some(Ok(_)));
        if is_answer || event.ending != Ending::Commit || event.marks.is_empty() {
            return Ok(());
        }
        self.note(
            at_ms,
            &format!(
                "#{} moves {:?} out of {queue} to the dead letters",
                event.task, event.marks
            ),
        );
        self.model.look(queue, at_ms, &event.marks)
    }

    /// When nothing is left to do, nobody may wait for messages that are there.
    fn nobody_sleeps_on<'c>(&self, at_ms: i64, waiting: impl Iterator<Item = &'c Called>) -> Verdict {
        for called in waiting {
            let queue = queue_of(&called.call);
            let there = self.model.deliverable(queue, at_ms);
            if matches!(called.call, Call::Receive { .. }) && (there > 0 || !self.model.queues.contains_key(queue)) {
                return Err(format!("a receiver of {queue} sleeps, and there are {there} messages"));
            }
        }
        Ok(())
    }
}
