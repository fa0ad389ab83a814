//! The one clock. Real by default; it can be frozen, set, moved on and run at another rate.

use crate::Timestamp;
use crate::bell::{Bell, BellCord};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;

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
    /// The machine's time at `anchor`.
    machine: Timestamp,
    mode: ClockMode,
}

/// How many changes are remembered, for [`Clock::shown_at`].
const PAST_MAX: usize = 64;

/// A clock at rest, to be kept: what it showed at a moment of the machine's clock, and how it goes on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockState {
    pub shown: Timestamp,
    /// The machine's time when it showed that.
    pub machine: Timestamp,
    pub mode: ClockMode,
}

/// Virtual time for one world.
///
/// All waiting is [`Clock::sleep_until`], which wakes when virtual time arrives, whether by waiting or by being moved.
pub struct Clock {
    dial: Dial,
    /// What held before, oldest first. Locked by whoever sets the dial.
    past: RwLock<VecDeque<State>>,
    moved: Notify,
    bell: OnceLock<BellCord>,
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
        Clock::of(State {
            base,
            // The origin first: nothing may be anchored before it.
            anchor: origin().max(Instant::now()),
            machine: Clock::machine_now(),
            mode,
        })
    }

    fn of(state: State) -> Clock {
        Clock {
            dial: Dial::new(&state),
            past: RwLock::new(VecDeque::new()),
            moved: Notify::new(),
            bell: OnceLock::new(),
        }
    }

    /// Another clock, which shows the same and goes on alike until either is moved.
    pub fn fork(&self) -> Clock {
        let fork = Clock::of(self.get());
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner).clone();
        *fork.past.write().unwrap_or_else(PoisonError::into_inner) = past;
        fork
    }

    /// What it showed at a moment of the machine's clock that a client has told in whole seconds, as far as it remembers
    /// its changes. A moment before all of them is taken as one of ordinary time.
    pub fn shown_at(&self, machine: Timestamp) -> Timestamp {
        let past = self.past.read().unwrap_or_else(PoisonError::into_inner);
        // A change within that second came before the client looked at its clock, or the client could not know of it.
        let latest = machine.plus_millis(999);
        let now = self.get();
        let states = std::iter::once(&now).chain(past.iter().rev());
        let mut oldest = now;
        for state in states {
            oldest = *state;
            if state.machine <= latest {
                break;
            }
        }
        let passed_ms = machine.as_millis() - oldest.machine.as_millis();
        match oldest.mode {
            // Before the first change that is remembered.
            _ if oldest.machine > latest => oldest.base.plus_millis(passed_ms),
            ClockMode::Frozen => oldest.base,
            ClockMode::Running { rate } => oldest.base.plus_millis((passed_ms.max(0) as f64 * rate) as i64),
        }
    }

    /// Rings `bell` for `world` whenever the clock is moved. Only the first bell is taken.
    pub fn ring(&self, bell: Arc<dyn Bell>, world: u64) {
        let _ = self.bell.set(BellCord { bell, world });
    }

    /// What [`Clock::restore`] takes, now or in another process.
    pub fn state(&self) -> ClockState {
        let state = self.get();
        ClockState {
            shown: Clock::read(&state),
            machine: Clock::machine_now(),
            mode: state.mode,
        }
    }

    /// Goes on from a state as if it had run (or stood) ever since.
    pub fn restore(&self, state: ClockState) {
        let shown = match state.mode {
            ClockMode::Frozen => state.shown,
            ClockMode::Running { rate } => {
                let passed_ms = Clock::machine_now().as_millis() - state.machine.as_millis();
                state.shown.plus_millis((passed_ms as f64 * rate) as i64)
            }
        };
        self.change(|_| (shown, state.mode));
    }

    /// When virtual time will be `due`, if nobody moves the clock; `None` where it stands still before that.
    pub fn instant_of(&self, due: Timestamp) -> Option<Instant> {
        let state = self.get();
        let (real, now) = (Instant::now(), Clock::read(&state));
        if now >= due {
            return Some(real);
        }
        match state.mode {
            ClockMode::Frozen => None,
            ClockMode::Running { rate } => Some(real + real_until(now, due, rate)),
        }
    }

    pub fn now(&self) -> Timestamp {
        self.now_at(Instant::now())
    }

    /// What it shows at this very moment, for those who have just asked the machine for it.
    pub fn now_at(&self, instant: Instant) -> Timestamp {
        self.dial.read(instant)
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
        // Told of every move since it was made, also before it waits.
        let mut moved = pin!(self.moved.notified());
        loop {
            let state = self.get();
            let now = Clock::read(&state);
            if now >= due {
                return;
            }
            match state.mode {
                ClockMode::Frozen => moved.as_mut().await,
                ClockMode::Running { rate } => tokio::select! {
                    () = tokio::time::sleep(real_until(now, due, rate)) => continue,
                    () = moved.as_mut() => {}
                },
            }
            moved.set(self.moved.notified());
        }
    }

    fn get(&self) -> State {
        self.dial.state()
    }

    fn read(state: &State) -> Timestamp {
        match state.mode {
            ClockMode::Frozen => state.base,
            ClockMode::Running { rate } => state.base.plus_millis(passed_ms(state.anchor.elapsed(), rate)),
        }
    }

    fn change(&self, f: impl FnOnce(Timestamp) -> (Timestamp, ClockMode)) {
        {
            let mut past = self.past.write().unwrap_or_else(PoisonError::into_inner);
            let before = self.get();
            let (base, mode) = f(Clock::read(&before));
            self.dial.set(&State {
                base,
                anchor: Instant::now(),
                machine: Clock::machine_now(),
                mode,
            });
            if past.len() >= PAST_MAX {
                past.pop_front();
            }
            past.push_back(before);
        }
        self.moved.notify_waiters();
        if let Some(cord) = self.bell.get() {
            cord.pull();
        }
    }
}

/// Virtual milliseconds that pass in some real time.
fn passed_ms(real: Duration, rate: f64) -> i64 {
    (real.as_secs_f64() * 1000.0 * rate) as i64
}

/// What a clock shows, to be read by all threads at once: every call does, and a lock would go from one to the other.
struct Dial {
    /// Odd while it is being set.
    version: AtomicU64,
    base_ms: AtomicI64,
    /// Nanoseconds from [`origin`] to the state's anchor.
    anchor_ns: AtomicU64,
    /// The bits of the rate; zero where it stands.
    rate: AtomicU64,
    machine_ms: AtomicI64,
}

/// A moment before which no clock was set, the same for all, so that none has to keep it.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

impl Dial {
    fn new(state: &State) -> Dial {
        let dial = Dial {
            version: AtomicU64::new(0),
            base_ms: AtomicI64::new(0),
            anchor_ns: AtomicU64::new(0),
            rate: AtomicU64::new(0),
            machine_ms: AtomicI64::new(0),
        };
        dial.set(state);
        dial
    }

    /// Called by one at a time.
    fn set(&self, state: &State) {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        let anchor = state.anchor.saturating_duration_since(origin());
        let rate = match state.mode {
            ClockMode::Frozen => 0.0_f64,
            ClockMode::Running { rate } => rate,
        };
        self.base_ms.store(state.base.as_millis(), Ordering::Relaxed);
        self.anchor_ns
            .store(u64::try_from(anchor.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        self.machine_ms.store(state.machine.as_millis(), Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
    }

    fn read(&self, instant: Instant) -> Timestamp {
        self.whole(|| {
            let base = Timestamp::from_millis(self.base_ms.load(Ordering::Relaxed));
            let anchor = Duration::from_nanos(self.anchor_ns.load(Ordering::Relaxed));
            let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
            let passed = instant.saturating_duration_since(origin()).saturating_sub(anchor);
            base.plus_millis(passed_ms(passed, rate))
        })
    }

    fn state(&self) -> State {
        self.whole(|| {
            let rate = f64::from_bits(self.rate.load(Ordering::Relaxed));
            State {
                base: Timestamp::from_millis(self.base_ms.load(Ordering::Relaxed)),
                anchor: origin() + Duration::from_nanos(self.anchor_ns.load(Ordering::Relaxed)),
                machine: Timestamp::from_millis(self.machine_ms.load(Ordering::Relaxed)),
                mode: match rate {
                    0.0 => ClockMode::Frozen,
                    rate => ClockMode::Running { rate },
                },
            }
        })
    }

    /// What `look` sees, of one setting and not of two.
    fn whole<T>(&self, look: impl Fn() -> T) -> T {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let seen = look();
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && version == self.version.load(Ordering::Relaxed) {
                return seen;
            }
            std::hint::spin_loop();
        }
    }
}

/// Real time from `now` to `due`; a day at most, so that no rate or date can overflow a timer: look again then.
fn real_until(now: Timestamp, due: Timestamp, rate: f64) -> Duration {
    Duration::from_secs_f64((due.since(now).as_secs_f64() / rate).clamp(0.0005, 86_400.0))
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

    #[test]
    fn a_fork_begins_alike_and_goes_its_own_way() {
        let clock = Clock::frozen(Timestamp::from_secs(10));
        let fork = clock.fork();
        assert_eq!((fork.now(), fork.mode()), (clock.now(), ClockMode::Frozen));
        fork.set(Timestamp::from_secs(99));
        assert_eq!(clock.now(), Timestamp::from_secs(10));
    }

    #[test]
    fn a_clock_remembers_what_it_showed() {
        let clock = Clock::real();
        let signed = Timestamp::from_secs(Clock::machine_now().as_secs());
        let early = clock.shown_at(signed);
        assert!(clock.now().since(early).as_secs() < 5 && early <= clock.now());
        let before = Timestamp::from_secs(signed.as_secs() - 100);
        let long_ago = clock.now().since(clock.shown_at(before)).as_secs();
        assert!((99..105).contains(&long_ago), "{long_ago}");
        clock.freeze();
        clock.set(Timestamp::from_secs(1000));
        // Told in whole seconds, this may be the second of the change.
        let now = Timestamp::from_secs(Clock::machine_now().as_secs());
        assert_eq!(clock.shown_at(now), Timestamp::from_secs(1000));
        clock.set(Timestamp::from_secs(5000));
        assert_eq!(clock.fork().shown_at(now), Timestamp::from_secs(5000));
    }

    #[test]
    fn a_kept_state_goes_on() {
        let clock = Clock::frozen(Timestamp::from_secs(10));
        let mut state = clock.state();
        let other = Clock::real();
        other.restore(state);
        assert_eq!(
            (other.now(), other.mode()),
            (Timestamp::from_secs(10), ClockMode::Frozen)
        );
        state.mode = ClockMode::Running { rate: 60.0 };
        state.machine = state.machine.plus_secs(-10);
        other.restore(state);
        let passed = other.now().since(Timestamp::from_secs(10)).as_secs();
        assert!((600..700).contains(&passed), "ten seconds at rate 60, not {passed} s");
    }

    #[test]
    fn a_clock_tells_when_a_time_will_come() {
        let clock = Clock::frozen(Timestamp::from_secs(10));
        assert_eq!(clock.instant_of(Timestamp::from_secs(11)), None);
        assert!(clock.instant_of(Timestamp::from_secs(10)).is_some());
        clock.run(60.0);
        let at = clock.instant_of(Timestamp::from_secs(70));
        assert!(at.is_some_and(|at| at <= std::time::Instant::now() + std::time::Duration::from_secs(1)));
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
