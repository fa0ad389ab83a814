//! How the scheduler is told that a world's next work may be due at another moment than it thought.

use std::sync::Arc;

/// Rung for a world whose clock was moved or whose deferred work has changed. Must not block.
pub trait Bell: Send + Sync + 'static {
    fn ring(&self, world: u64);
}

/// A bell, and the world that it is rung for.
pub struct BellCord {
    pub bell: Arc<dyn Bell>,
    pub world: u64,
}

impl BellCord {
    pub fn pull(&self) {
        self.bell.ring(self.world);
    }
}
