//! Runs futures on one thread, in an order that the simulation chooses. A task is polled only after it was woken, so that
//! a wake that never comes shows.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Tasks, by number. Numbers are never given twice.
pub struct Executor<T> {
    tasks: BTreeMap<u64, Task<T>>,
    last: u64,
    current: Arc<AtomicU64>,
}

struct Task<T> {
    future: Pin<Box<dyn Future<Output = T>>>,
    flag: Arc<Flag>,
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Flag>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<T> Default for Executor<T> {
    fn default() -> Executor<T> {
        Executor {
            tasks: BTreeMap::new(),
            last: 0,
            current: Arc::default(),
        }
    }
}

impl<T> Executor<T> {
    /// Holds the number of the task that is being polled; 0 between polls.
    pub fn current(&self) -> Arc<AtomicU64> {
        self.current.clone()
    }

    /// Takes in a task, which is woken at first; answers its number.
    pub fn spawn(&mut self, future: impl Future<Output = T> + 'static) -> u64 {
        self.last += 1;
        let task = Task {
            future: Box::pin(future),
            flag: Arc::new(Flag(AtomicBool::new(true))),
        };
        self.tasks.insert(self.last, task);
        self.last
    }

    /// The tasks that have something to do.
    pub fn woken(&self) -> Vec<u64> {
        let woken = self
            .tasks
            .iter()
            .filter(|(_, task)| task.flag.0.load(Ordering::Acquire));
        woken.map(|(number, _)| *number).collect()
    }

    /// The tasks that have not ended.
    pub fn alive(&self) -> Vec<u64> {
        self.tasks.keys().copied().collect()
    }

    /// Polls a task once; answers what it ended with, if it ended.
    pub fn poll(&mut self, number: u64) -> Option<T> {
        let task = self.tasks.get_mut(&number)?;
        task.flag.0.store(false, Ordering::Release);
        let waker = Waker::from(task.flag.clone());
        self.current.store(number, Ordering::Release);
        let polled = task.future.as_mut().poll(&mut Context::from_waker(&waker));
        self.current.store(0, Ordering::Release);
        match polled {
            Poll::Ready(out) => {
                self.tasks.remove(&number);
                Some(out)
            }
            Poll::Pending => None,
        }
    }

    /// Drops a task where it stands.
    pub fn forget(&mut self, number: u64) {
        self.tasks.remove(&number);
    }

    /// Drops every task where it stands.
    pub fn clear(&mut self) {
        self.tasks.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Executor;

    #[test]
    fn only_woken_tasks_have_something_to_do() {
        let mut executor = Executor::default();
        let (sender, receiver) = tokio::sync::oneshot::channel::<u8>();
        let waiting = executor.spawn(receiver);
        let current = executor.current();
        let other =
            executor.spawn(async move { Ok(u8::try_from(current.load(super::Ordering::Acquire)).unwrap_or(0)) });
        assert_eq!(executor.woken(), [waiting, other]);
        assert_eq!(executor.poll(waiting), None);
        assert_eq!(executor.woken(), [other]);
        assert_eq!(executor.poll(other), Some(Ok(2)));
        assert_eq!(sender.send(7), Ok(()));
        assert_eq!(executor.woken(), [waiting]);
        assert_eq!(executor.poll(waiting), Some(Ok(7)));
        assert!(executor.alive().is_empty());
    }
}
