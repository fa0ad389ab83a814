//! The shelf: each file an object under a prefix.

use crate::failure::failed;
use crate::reading::Opened;
use crate::runtime::Runtime;
use crate::unfinished::Uploads;
use crate::writing::Written;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use virga_blob::{Draft, Name, Shelf, Source};

/// Files in what keeps objects.
pub struct Objects(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// What was begun and not ended; `None` where the store knows of none.
    uploads: Option<Uploads>,
    pub runtime: Runtime,
}

impl Inner {
    pub fn path(&self, name: Name) -> Path {
        self.prefix.clone().join(name.to_string())
    }

    /// The file that is at a path, where it is one of ours.
    fn name(&self, path: &Path) -> Option<Name> {
        let name = path.filename().and_then(Name::parse)?;
        (self.path(name) == *path).then_some(name)
    }
}

impl Objects {
    /// Over any store, under a prefix that may be empty.
    pub fn of(store: Arc<dyn ObjectStore>, prefix: Path) -> io::Result<Objects> {
        Objects::with(store, prefix, None, Runtime::start()?)
    }

    pub(crate) fn with(
        store: Arc<dyn ObjectStore>,
        prefix: Path,
        uploads: Option<Uploads>,
        runtime: Runtime,
    ) -> io::Result<Objects> {
        Ok(Objects(Arc::new(Inner {
            store,
            prefix,
            uploads,
            runtime,
        })))
    }
}

/// What the store says of an object; `None` where there is none.
async fn found(inner: &Inner, path: &Path) -> io::Result<Option<ObjectMeta>> {
    match inner.store.head(path).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

impl Shelf for Objects {
    fn create(&self, name: Name) -> io::Result<Box<dyn Draft>> {
        Ok(Box::new(Written::new(self.0.clone(), name)))
    }

    fn open(&self, name: Name) -> io::Result<Box<dyn Source>> {
        let gone = || io::Error::new(ErrorKind::NotFound, format!("there is no file {name}"));
        let length = self.length(name)?.ok_or_else(gone)?;
        Ok(Box::new(Opened::new(self.0.clone(), name, length)))
    }

    fn length(&self, name: Name) -> io::Result<Option<u64>> {
        let (inner, path) = (self.0.clone(), self.0.path(name));
        let found = self.0.runtime.run(async move { found(&inner, &path).await })?;
        Ok(found.map(|found| found.size))
    }

    fn remove(&self, name: Name) -> io::Result<bool> {
        let (inner, path) = (self.0.clone(), self.0.path(name));
        self.0.runtime.run(async move {
            // A removal does not tell whether there was anything.
            if found(&inner, &path).await?.is_some() {
                return match inner.store.delete(&path).await {
                    Ok(()) | Err(Error::NotFound { .. }) => Ok(true),
                    Err(error) => Err(failed(error)),
                };
            }
            match &inner.uploads {
                Some(uploads) => Ok(uploads.abort(&path).await? > 0),
                None => Ok(false),
            }
        })
    }

    /// Others that lie there are not ours, and are passed over.
    fn names(&self) -> io::Result<Vec<Name>> {
        let inner = self.0.clone();
        self.0.runtime.run(async move {
            let prefix = (!inner.prefix.is_root()).then_some(&inner.prefix);
            let mut names = Vec::new();
            let mut listed = inner.store.list(prefix);
            while let Some(found) = listed.try_next().await.map_err(failed)? {
                names.extend(inner.name(&found.location));
            }
            if let Some(uploads) = &inner.uploads {
                let begun = uploads.list(inner.prefix.as_ref()).await?;
                names.extend(begun.iter().filter_map(|begun| inner.name(&begun.path)));
            }
            names.sort_unstable();
            names.dedup();
            Ok(names)
        })
    }
}
