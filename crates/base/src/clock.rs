//! The one clock. Real by default; it can be frozen, set, moved on and run at another rate.

use crate::Timestamp;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// How virtual time follows real time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockMode {
    /// Stands still until it is moved.
    Frozen,
    /// Runs at `rate` virtual seconds per real second; 1.0 is ordinary time.
    Running { rate: f64 },
}

#[derive(Clone, Copy)]
struct State {
    /// The virtual time at `anchor`.
    base: Timestamp,
    anchor: Instant,
    mode: ClockMode,
}

/// Virtual time for one world.
///
/// All waiting is [`Clock::sleep_until`], which wakes when virtual time arrives, whether by waiting or by being moved.
pub struct Clock {
    state: RwLock<State>,
    moved: watch::Sender<u64>,
}

impl Clock {
    /// Follows the machine's clock.
    pub fn real() -> Clock {
        Clock::with(Clock::machine_now(), ClockMode::Running { rate: 1.0 })
    }

    /// The machine's own time, which nobody moves: for what clients outside do by theirs, such as signing.
    pub fn machine_now() -> Timestamp {
        Timestamp::EPOCH.plus(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO))
    }

    /// Stands at `at`.
    pub fn frozen(at: Timestamp) -> Clock {
        Clock::with(at, ClockMode::Frozen)
    }

    fn with(base: Timestamp, mode: ClockMode) -> Clock {
        Clock {
            state: RwLock::new(State {
                base,
                anchor: Instant::now(),
                mode,
            }),
            moved: watch::Sender::new(0),
        }
    }

    pub fn now(&self) -> Timestamp {
        Clock::read(&self.get())
    }

    pub fn mode(&self) -> ClockMode {
        self.get().mode
    }

    /// Stands still at the present moment.
    pub fn freeze(&self) {
        self.change(|now| (now, ClockMode::Frozen));
    }

    /// Runs on from the present moment at `rate` virtual seconds per real second. A rate that is not a positive number
    /// is taken as 1.
    pub fn run(&self, rate: f64) {
        let rate = if rate.is_finite() && rate > 0.0 { rate } else { 1.0 };
        self.change(|now| (now, ClockMode::Running { rate }));
    }

    /// Moves to `to`, forwards or back; the mode stays.
    pub fn set(&self, to: Timestamp) {
        let mode = self.mode();
        self.change(|_| (to, mode));
    }

    /// Forgets all changes: the machine's time at its ordinary rate.
    pub fn reset(&self) {
        let real = Clock::real();
        let state = real.get();
        self.change(|_| (Clock::read(&state), state.mode));
    }

    /// Waits until virtual time is `due` or later.
    pub async fn sleep_until(&self, due: Timestamp) {
        let mut moved = self.moved.subscribe();
        loop {
            let state = self.get();
            let now = Clock::read(&state);
            if now >= due {
                return;
            }
            match state.mode {
                ClockMode::Frozen => {
                    if moved.changed().await.is_err() {
                        return;
                    }
                }
                ClockMode::Running { rate } => {
                    // A day at most, so that no rate or date can overflow the timer; the loop looks again.
                    let real_s = (due.since(now).as_secs_f64() / rate).clamp(0.0005, 86_400.0);
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs_f64(real_s)) => {}
                        changed = moved.changed() => if changed.is_err() { return },
                    }
                }
            }
        }
    }

    fn get(&self) -> State {
        *self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(state: &State) -> Timestamp {
        match state.mode {
            ClockMode::Frozen => state.base,
            ClockMode::Running { rate } => {
                let passed_ms = state.anchor.elapsed().as_secs_f64() * 1000.0 * rate;
                state.base.plus_millis(passed_ms as i64)
            }
        }
    }

    fn change(&self, f: impl FnOnce(Timestamp) -> (Timestamp, ClockMode)) {
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            let (base, mode) = f(Clock::read(&state));
            *state = State {
                base,
                anchor: Instant::now(),
                mode,
            };
        }
        self.moved.send_modify(|n| *n += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ClockMode};
    use crate::Timestamp;
    use std::sync::Arc;

    #[test]
    fn a_frozen_clock_moves_only_by_hand() {
        let clock = Clock::frozen(Timestamp::from_secs(10));
        assert_eq!(clock.now(), Timestamp::from_secs(10));
        clock.set(Timestamp::from_secs(5));
        assert_eq!(
            (clock.now(), clock.mode()),
            (Timestamp::from_secs(5), ClockMode::Frozen)
        );
        clock.run(f64::NAN);
        assert_eq!(clock.mode(), ClockMode::Running { rate: 1.0 });
    }

    #[tokio::test]
    async fn sleepers_wake_when_the_clock_is_moved_past_them() {
        let clock = Arc::new(Clock::frozen(Timestamp::from_secs(0)));
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(Timestamp::from_secs(3600)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        clock.set(Timestamp::from_secs(1800));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.set(Timestamp::from_secs(3600));
        assert_eq!(sleeper.await.ok(), Some(Timestamp::from_secs(3600)));
    }
}
