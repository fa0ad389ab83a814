//! Tasks that move messages.

use super::queue::{Status, Task};
use super::{Message, Model, Queue, Verdict, must};
use crate::call::{body, is_fifo};
use serde_json::Value as Json;

/// What a move task without a rate moves at once.
const MOVED_AT_ONCE: usize = 500;

impl Model {
    pub(super) fn start_move(
        &mut self,
        source: &str,
        destination: Option<&str>,
        rate: Option<u32>,
        outcome: Result<&Json, &str>,
    ) -> Verdict {
        let is_target = |queue: &Queue| queue.redrive.as_ref().is_some_and(|(target, _)| target == source);
        let fits = self
            .queues
            .get(source)
            .is_some_and(|queue| queue.tasks.first().is_none_or(|task| task.status != Status::Running))
            && self.queues.values().any(is_target)
            && destination
                .is_none_or(|to| self.queues.contains_key(to) && to != source && is_fifo(to) == is_fifo(source));
        must(fits == outcome.is_ok(), || {
            format!("a move task may start: {fits}, but {outcome:?}")
        })?;
        if let (true, Ok(answer)) = (fits, outcome) {
            let task = Task {
                handle: answer["TaskHandle"].as_str().map(str::to_owned),
                status: Status::Running,
                destination: destination.map(str::to_owned),
                rate,
                moved: 0,
            };
            self.queue(source)?.tasks.insert(0, task);
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, handle: &str, source: &str, outcome: Result<&Json, &str>) -> Verdict {
        let task = self.queues.get_mut(source).and_then(|queue| {
            queue
                .tasks
                .iter_mut()
                .take(10)
                .find(|task| task.handle.as_deref() == Some(handle))
        });
        let task = task.filter(|task| task.status == Status::Running);
        must(task.is_some() == outcome.is_ok(), || {
            format!("a task was cancelled wrongly: {outcome:?}")
        })?;
        if let Some(task) = task {
            task.status = Status::Cancelled;
        }
        Ok(())
    }

    /// A step of a source's running move task, which moved `marks`.
    pub fn step(&mut self, source: &str, at_ms: i64, marks: &[u64]) -> Verdict {
        self.queues.values_mut().for_each(|queue| queue.expire(at_ms));
        let queue = self.queue(source)?;
        let task = queue.tasks.first().filter(|task| task.status == Status::Running);
        let task = task.ok_or("a step of a task that does not run")?.clone();
        let max = task.rate.map_or(MOVED_AT_ONCE, |rate| rate as usize);
        let mut failed = false;
        for n in 0..=max {
            let heads = self.heads(source, at_ms)?;
            let lost = |message: &Message| self.destination(&task, source, message).is_none();
            let Some(mark) = marks.get(n) else {
                failed = n < max && heads.iter().any(lost);
                must(n == max || heads.is_empty() || failed, || {
                    format!("{} should have moved", heads[0].body)
                })?;
                break;
            };
            must(n < max, || "a step moved too many".into())?;
            let head = heads.into_iter().find(|head| head.body == *mark);
            let head = head.ok_or_else(|| format!("{} was not next to move", body(*mark)))?;
            let to = self
                .destination(&task, source, &head)
                .ok_or("a message moved nowhere")?;
            let mut message = self.queue(source)?.take(*mark).ok_or("a moved message was not there")?;
            message.kept_from_ms = at_ms;
            message.hidden_until_ms = 0;
            message.delayed = false;
            message.received = 0;
            message.received_before = 0;
            message.source = None;
            self.queue(&to)?.append(message);
        }
        let queue = self.queue(source)?;
        let visible = queue.visible(at_ms);
        let task = queue.tasks.first_mut().ok_or("no task")?;
        task.moved += marks.len() as u64;
        if failed {
            task.status = Status::Failed;
        } else if visible == 0 {
            task.status = Status::Completed;
        }
        Ok(())
    }

    /// The messages that may be moved next.
    pub(super) fn heads(&mut self, source: &str, at_ms: i64) -> Result<Vec<Message>, String> {
        let queue = self.queue(source)?;
        if queue.fifo {
            let groups = queue.groups();
            return Ok(groups
                .into_iter()
                .filter_map(|group| queue.open(group, at_ms).next().cloned())
                .collect());
        }
        Ok(queue
            .all_open(at_ms)
            .first()
            .map(|message| (*message).clone())
            .into_iter()
            .collect())
    }

    pub(super) fn destination(&self, task: &Task, source: &str, message: &Message) -> Option<String> {
        let to = task.destination.clone().or_else(|| message.source.clone())?;
        (to != source && self.queues.contains_key(&to)).then_some(to)
    }
}
