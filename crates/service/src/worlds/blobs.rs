//! Removes the files of objects that no world holds any more.

use super::Worlds;
use std::collections::HashSet;
use std::io;
use std::time::Duration;
use virga_blob::{Blobs, Doubted, Name, state};
use virga_store::StoreError;

/// Files that are looked up while no world can be made.
const BATCH_MAX: usize = 256;
/// How often nodes that share files tell each other that they live.
const BEAT: Duration = Duration::from_secs(5);
/// After so many beats, about an hour, all files are looked at.
const BEATS_OF_A_LOOK: u64 = 720;

fn failed(error: &io::Error) -> StoreError {
    StoreError::Engine(format!("the files of objects cannot be listed: {error}"))
}

/// Runs `f` where it may block.
async fn blocking<T: Send + 'static>(
    blobs: &Blobs,
    f: impl FnOnce(&Blobs) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let blobs = blobs.clone();
    let outcome = tokio::task::spawn_blocking(move || f(&blobs)).await;
    outcome.map_err(|_| StoreError::Engine("a sweep of files broke off".into()))
}

impl Worlds {
    /// Looks at all files that were doubted since, and removes those that no world holds and nobody reads; answers how many.
    /// Somebody must be about to hold a file, or have told that it is held no more, for it to be looked at.
    pub async fn sweep_blobs(&self) -> Result<usize, StoreError> {
        let blobs = self.main.blobs();
        let doubted = blobs.take_doubted();
        if let Err(error) = self.condemn(blobs, &doubted).await {
            blobs.put_back(doubted);
            return Err(error);
        }
        blocking(blobs, Blobs::remove_condemned).await
    }

    async fn condemn(&self, blobs: &Blobs, doubted: &Doubted) -> Result<(), StoreError> {
        let mut names = doubted.names.clone();
        if doubted.all {
            // The files first: one that is written later is no concern of this sweep, and is not in the list.
            let files = blocking(blobs, Blobs::files).await?.map_err(|error| failed(&error))?;
            if !files.is_empty() {
                let mut held = HashSet::new();
                for world in self.list() {
                    held.extend(state::held(world.store())?);
                }
                names.extend(files.into_iter().filter(|name| !held.contains(name)));
            }
        }
        for batch in names.chunks(BATCH_MAX) {
            self.condemn_unheld(blobs, batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn condemn_unheld(&self, blobs: &Blobs, mut names: Vec<Name>) -> Result<(), StoreError> {
        // A fork that is made now would hold what its parent no longer does.
        let _changing = self.changing.lock().await;
        blobs.leave_out_fresh(&mut names);
        names.sort_unstable();
        names.dedup();
        if blobs.is_shared() {
            // There are worlds that other nodes have made, too.
            return blocking(blobs, move |blobs| blobs.condemn_unheld(&names)).await?;
        }
        for world in self.list() {
            if names.is_empty() {
                return Ok(());
            }
            names = state::unheld(world.store(), &names).await?;
        }
        blobs.condemn(&names);
        Ok(())
    }

    /// Sweeps whenever there is something to sweep, until the task is dropped. Where nodes share the files, it lets the
    /// others know of this one.
    pub(super) async fn keep_swept(&self) {
        let blobs = self.main.blobs();
        let (mut next, mut beats) = (tokio::time::interval(BEAT), 0);
        loop {
            let is_beat = tokio::select! {
                () = blobs.doubted() => false,
                _ = next.tick(), if blobs.is_shared() => true,
            };
            if is_beat {
                beats += 1;
                // What a node has left that died is found by the others.
                if beats % BEATS_OF_A_LOOK == 0 {
                    blobs.doubt_all();
                }
                if let Ok(Err(error)) = blocking(blobs, Blobs::beat).await {
                    log::warn!("other nodes cannot be told that this one lives: {error}");
                }
            }
            if let Err(error) = self.sweep_blobs().await {
                log::warn!("the files of deleted objects stay for now: {error}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cloud, CloudOptions, Fork, Worlds};
    use bytes::Bytes;
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::Arc;
    use virga_base::{Account, Clock, Ids};
    use virga_blob::{Blobs, Content, Finished, Fresh, hold, release};
    use virga_store::{DiskEngine, Engine, MemoryEngine, Place, Store, StoreError};

    fn options(engine: Box<dyn Engine>) -> CloudOptions {
        CloudOptions {
            store: Store::new(engine),
            clock: Clock::real(),
            ids: Ids::seeded(1),
            services: Vec::new(),
            settings: BTreeMap::new(),
        }
    }

    async fn in_memory() -> Arc<Worlds> {
        Worlds::open(options(Box::new(MemoryEngine::default())), 10)
            .await
            .expect("opens")
    }

    async fn on_disk(folder: &Path) -> Arc<Worlds> {
        let engine = DiskEngine::open(&folder.join("state")).expect("opens");
        let blobs = Blobs::kept(folder.join("blobs"));
        Worlds::open_with_blobs(options(Box::new(engine)), blobs, 10)
            .await
            .expect("opens")
    }

    async fn write(world: &Cloud) -> Finished {
        let mut writer = world.blobs().writer();
        writer.write(Bytes::from(vec![7; 100_000])).await.expect("written");
        writer.finish().await.expect("finished")
    }

    async fn held(world: &Cloud, fresh: &Fresh) {
        let place = Place::world();
        let held = world.store().write(&place, |tx| hold(tx, Account::DEFAULT, fresh));
        held.await.expect("held");
    }

    async fn released(world: &Cloud, content: &Content) {
        let place = Place::world();
        let released = world.store().write(&place, |tx| -> Result<(), StoreError> {
            release(tx, Account::DEFAULT, content)
        });
        released.await.expect("released");
    }

    fn is_there(worlds: &Worlds, content: &Content) -> bool {
        content
            .name()
            .is_some_and(|name| worlds.main().blobs().length(name).is_some())
    }

    async fn fork(worlds: &Worlds, name: &str) -> Arc<Cloud> {
        let fork = Fork {
            name: name.to_owned(),
            ..Fork::default()
        };
        worlds.fork(fork).await.expect("forks")
    }

    #[tokio::test]
    async fn worlds_share_a_file_until_the_last_lets_go() {
        let worlds = in_memory().await;
        let main = worlds.main();
        let Finished { content, fresh } = write(main).await;
        held(main, &fresh).await;
        drop(fresh);
        let (first, second) = (fork(&worlds, "first").await, fork(&worlds, "second").await);
        released(main, &content).await;
        assert_eq!(worlds.sweep_blobs().await, Ok(0));
        released(&first, &content).await;
        assert_eq!(worlds.sweep_blobs().await, Ok(0));
        drop((first, second));
        worlds.drop_world("second").await.expect("drops");
        assert!(is_there(&worlds, &content));
        assert_eq!(worlds.sweep_blobs().await, Ok(1));
        assert!(!is_there(&worlds, &content));
    }

    #[tokio::test]
    async fn a_reset_lets_go_of_all_but_what_is_being_written() {
        let worlds = in_memory().await;
        let main = worlds.main();
        let old = write(main).await;
        held(main, &old.fresh).await;
        drop(old.fresh);
        let new = write(main).await;
        main.reset().await.expect("resets");
        assert_eq!(worlds.sweep_blobs().await, Ok(1));
        assert!(is_there(&worlds, &new.content) && !is_there(&worlds, &old.content));
        drop(new.fresh);
        assert_eq!(worlds.sweep_blobs().await, Ok(1));
    }

    #[tokio::test]
    async fn a_crash_leaves_every_file_that_a_row_names_and_no_other() {
        let folder = std::env::temp_dir().join(format!("virga-blob-crash-{}", std::process::id()));
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        {
            let worlds = on_disk(&folder).await;
            let child = fork(&worlds, "child").await;
            for world in [worlds.main(), &child] {
                let Finished { content, fresh } = write(world).await;
                held(world, &fresh).await;
                kept.push(content);
                // Written, and the process ends before the row is.
                let Finished { content, fresh } = write(world).await;
                lost.push(content);
                std::mem::forget(fresh);
            }
            // Released, and the process ends before the sweep.
            let Finished { content, fresh } = write(worlds.main()).await;
            held(worlds.main(), &fresh).await;
            released(worlds.main(), &content).await;
            lost.push(content);
        }
        let half = folder.join("blobs").join("00").join("00".repeat(16));
        std::fs::create_dir_all(half.parent().expect("a folder")).expect("made");
        std::fs::write(&half, b"written halfway").expect("written");
        let worlds = on_disk(&folder).await;
        assert_eq!(worlds.sweep_blobs().await, Ok(lost.len() + 1));
        assert!(kept.iter().all(|content| is_there(&worlds, content)));
        assert!(lost.iter().all(|content| !is_there(&worlds, content)) && !half.exists());
        drop(worlds);
        std::fs::remove_dir_all(&folder).expect("removes");
    }
}
