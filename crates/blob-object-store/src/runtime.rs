//! Threads of the shelf's own, since its callers block.

use std::future::Future;
use std::io;
use std::sync::mpsc;
use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;

/// Requests wait for the network; what they compute is checksums.
const THREADS: usize = 2;

#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    /// There until the drop.
    own: Option<tokio::runtime::Runtime>,
}

impl Runtime {
    pub(crate) fn start() -> io::Result<Runtime> {
        let own = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("virga-objects")
            .enable_all()
            .build()?;
        Ok(Runtime {
            handle: own.handle().clone(),
            own: Some(own),
        })
    }

    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn(work)
    }

    /// Waits for the outcome, wherever it is called: on a thread of another runtime too.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> io::Result<T> {
        let (tell, told) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            let _ = tell.send(work.await);
        });
        let broken = || io::Error::other("the work on an object broke off");
        told.recv().unwrap_or_else(|_| Err(broken()))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // May be on a thread that must not wait.
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}
