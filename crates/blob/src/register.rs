//! What several nodes tell each other of the files that they share, so that none removes what another still needs. All
//! calls block.
//!
//! A node says all the time that it lives, and of when its oldest pin is ([`Register::beat`]). A file that no world holds
//! any more is removed once no living node has a pin from before that was found: the same rule as within one process. What
//! a node is about to hold is that node's alone to give up, until it is dead.

use crate::Name;
use std::io;
use virga_store::StoreError;

/// A moment, as the nodes' common clock counts. It has no meaning but its order.
pub type Stamp = i64;

/// What was heard at a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    pub now: Stamp,
    /// No living node has a pin that is older.
    pub oldest_pin: Stamp,
}

/// The files that nodes share.
pub trait Register: Send + Sync + 'static {
    /// Notes a file that this node begins to write.
    fn begin(&self, name: Name) -> io::Result<()>;

    /// Notes that it is all written.
    fn settle(&self, name: Name, length: u64) -> io::Result<()>;

    /// Notes a file that this node is about to hold, under the name that it has elsewhere. The length of the file where it
    /// is here and whole; `None` where this node shall write it, over whatever is left of it.
    fn adopt(&self, name: Name) -> io::Result<Option<u64>>;

    /// The files that this node may look at: all but those that another, which lives, is about to hold.
    fn names(&self) -> io::Result<Vec<Name>>;

    /// Those of the files that no world holds, nor another living node is about to, for good; and a moment after this was
    /// found. The others, where this node was about to hold them, are any node's to look at from now on.
    fn unheld(&self, names: &[Name]) -> Result<(Vec<Name>, Stamp), StoreError>;

    /// Gives up a file of which it was found at `unheld` that no world holds it. False where somebody has taken it up since;
    /// it is not removed then.
    fn give_up(&self, name: Name, unheld: Stamp) -> io::Result<bool>;

    /// Forgets a file that was given up, or that this node began and told nobody of, once its bytes are removed.
    fn forget(&self, name: Name) -> io::Result<()>;

    /// Says that this node lives, and that all of its pins were taken at `pinned` or later.
    fn beat(&self, pinned: Stamp) -> io::Result<Beat>;

    /// How often other nodes may have taken this one for dead; `None` while they may right now. What it was about to hold in
    /// another life may be gone.
    fn life(&self) -> Option<u64>;

    /// This node will not be heard again.
    fn leave(&self);
}
