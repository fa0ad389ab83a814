//! What an operation is handed: who calls, where, when, and the only ways to act.

use crate::operation::{Answer, Body};
use crate::{Call, Caller, Cloud};
use http::header::USER_AGENT;
use http::{HeaderMap, Method, Uri, Version};
use std::ops::Deref;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use virga_base::{Account, Arn, AwsError, Id, Ids, Partition, Region, Timestamp};
use virga_blob::Blobs;
use virga_shape::Value;
use virga_store::schedule::{self, DueRow};
use virga_store::{Place, ReadTx, StoreError, Tx, Watch};

/// The head of an HTTP request, shared by all who know of it.
#[derive(Default)]
pub struct Head {
    /// Method and address as sent, for services that sign or redirect.
    pub method: Method,
    pub uri: Uri,
    pub version: Version,
    /// See [`Head::header`].
    pub headers: HeaderMap,
    /// See [`Head::host`]. Apart from the other headers, since HTTP/2 has it elsewhere and all ask for it.
    pub host: Option<Box<str>>,
    /// Whether the client came over TLS.
    pub secure: bool,
    /// The client's address without its port.
    pub source_ip: Option<Arc<str>>,
}

impl Head {
    /// The `Host` that the client used, with its port.
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    pub fn user_agent(&self) -> Option<&str> {
        self.headers.get(USER_AGENT)?.to_str().ok()
    }

    /// A header as it was sent, for what policies and rules of services ask beyond the model; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path as sent, without what follows `?`.
    pub fn path(&self) -> &str {
        self.uri.path()
    }
}

/// What an operation may know of the HTTP request behind it. Empty for calls from within.
#[derive(Default)]
pub struct Request {
    /// The id that `x-amzn-requestid` answers.
    pub id: Id,
    /// What was sent; an empty one is shown where nothing was.
    pub head: Option<Arc<Head>>,
    /// The protocol by which it came (`query`, `json-1.0`, …).
    pub protocol: Option<virga_shape::Protocol>,
    /// Where deferred work draws its ids, also in the calls that it makes; the cloud's source where there is none.
    pub ids: Option<Arc<Ids>>,
    /// The deferred work that does this, where another node could take that over: its writes then fail.
    pub claim: Option<u64>,
    /// The streaming member of the input.
    pub body: Mutex<Option<Body>>,
}

impl Deref for Request {
    type Target = Head;

    fn deref(&self) -> &Head {
        static NOTHING: LazyLock<Head> = LazyLock::new(Head::default);
        match &self.head {
            Some(head) => head,
            None => &NOTHING,
        }
    }
}

/// The context of one call. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    inner: Arc<Inner>,
}

struct Inner {
    cloud: Arc<Cloud>,
    service: &'static str,
    account: Account,
    region: Region,
    place: Place,
    caller: Caller,
    request: Request,
    /// How far the call's reads saw, for [`Ctx::settle`].
    seen: AtomicU64,
    /// The context that this one was made of.
    origin: Option<Ctx>,
}

impl Ctx {
    pub(crate) fn new(
        cloud: Arc<Cloud>,
        service: &'static str,
        account: Account,
        region: Region,
        caller: Caller,
        request: Request,
    ) -> Ctx {
        Ctx::within(None, cloud, service, account, region, caller, request)
    }

    fn within(
        origin: Option<Ctx>,
        cloud: Arc<Cloud>,
        service: &'static str,
        account: Account,
        region: Region,
        caller: Caller,
        request: Request,
    ) -> Ctx {
        let place = Place::new(account, &region);
        Ctx {
            inner: Arc::new(Inner {
                cloud,
                service,
                account,
                region,
                place,
                caller,
                request,
                seen: AtomicU64::new(0),
                origin,
            }),
        }
    }

    /// The account that the call acts in.
    pub fn account(&self) -> Account {
        self.inner.account
    }

    /// The region that the call acts in.
    pub fn region(&self) -> &Region {
        &self.inner.region
    }

    pub fn partition(&self) -> Partition {
        self.inner.region.partition()
    }

    pub fn caller(&self) -> &Caller {
        &self.inner.caller
    }

    pub fn request(&self) -> &Request {
        &self.inner.request
    }

    pub fn cloud(&self) -> &Arc<Cloud> {
        &self.inner.cloud
    }

    /// The service that runs, by model name.
    pub fn service(&self) -> &'static str {
        self.inner.service
    }

    /// The virtual time.
    pub fn now(&self) -> Timestamp {
        self.inner.cloud.clock().now()
    }

    /// Waits until virtual time is `due` or later.
    pub async fn sleep_until(&self, due: Timestamp) {
        self.inner.cloud.clock().sleep_until(due).await;
    }

    /// The one source of ids. Draw before a transaction, not within: a transaction may be run again.
    pub fn ids(&self) -> &Ids {
        match &self.inner.request.ids {
            Some(ids) => ids,
            None => self.inner.cloud.ids(),
        }
    }

    /// The bytes of objects.
    pub fn blobs(&self) -> &Blobs {
        self.inner.cloud.blobs()
    }

    /// A setting of the service, such as `delete_wait_s`, if the user has set it (`[sqs]` in `virga.toml`).
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.inner.cloud.setting(self.inner.service, name)
    }

    /// An ARN of this service in the caller's partition, account and region.
    pub fn arn(&self, resource: &str) -> Arn {
        Arn {
            partition: self.partition().as_str().to_owned(),
            service: self.inner.service.to_owned(),
            region: self.region().as_str().to_owned(),
            account: self.account().to_string(),
            resource: resource.to_owned(),
        }
    }

    /// Where this call keeps its rows.
    pub fn place(&self) -> &Place {
        &self.inner.place
    }

    /// Reads a consistent view of the caller's account and region. `f` may run more than once. The call is answered once
    /// all that it has read is durable.
    pub fn read<T, E: From<StoreError>>(&self, f: impl FnMut(&ReadTx<'_>) -> Result<T, E>) -> Result<T, E> {
        let (store, seen) = (self.inner.cloud.store(), &self.origin().inner.seen);
        store.read_noting(&self.inner.place, seen, f)
    }

    /// The context that the call came with, where this one was made of it by [`Ctx::elsewhere`].
    pub fn origin(&self) -> &Ctx {
        self.inner.origin.as_ref().unwrap_or(self)
    }

    /// Waits until no crash can take back what the call has read.
    pub(crate) async fn settle(&self) -> Result<(), StoreError> {
        self.inner.cloud.store().settle(&self.origin().inner.seen).await
    }

    /// Runs a transaction in the caller's account and region, and answers once it is durable. `f` may run more than
    /// once; an error takes back all it wrote.
    pub async fn write<T, E: From<StoreError>>(&self, mut f: impl FnMut(&mut Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let Inner {
            cloud, place, request, ..
        } = &*self.inner;
        let Some(claim) = request.claim else {
            return cloud.store().write(place, f).await;
        };
        let write = |tx: &mut Tx<'_>| -> Result<T, E> {
            if !schedule::is_claimed(tx, cloud.claims.node, claim)? {
                return Err(StoreError::Taken.into());
            }
            f(tx)
        };
        cloud.store().write(place, write).await
    }

    /// Watches a topic that transactions notify. Watch first, then look, then wait.
    pub fn watch(&self, topic: &[u8]) -> Watch {
        self.inner.cloud.store().watch(topic)
    }

    /// Deferred work of this service, for [`Tx::schedule`].
    pub fn due_row(&self, kind: &str, payload: Vec<u8>) -> DueRow {
        DueRow {
            service: self.inner.service.to_owned(),
            kind: kind.to_owned(),
            account: self.account().number(),
            region: self.region().as_str().to_owned(),
            payload,
            attempts: 0,
        }
    }

    /// The call door: calls an operation of any service by name, as `caller`, in this call's region and the caller's
    /// account. Never call it inside a transaction.
    pub async fn call(&self, caller: Caller, service: &str, operation: &str, input: Value) -> Result<Answer, AwsError> {
        let (account, region) = (caller.account, self.region().clone());
        let mut call = Call::named(service, operation, input, caller, account, region)?;
        call.request.ids = self.inner.request.ids.clone();
        call.request.claim = self.inner.request.claim;
        self.inner.cloud.dispatch(call).await
    }

    /// The same context in another region or account: its rows are the other's. Say why where you call it.
    #[must_use]
    pub fn elsewhere(&self, account: Account, region: Region) -> Ctx {
        let request = Request {
            id: self.inner.request.id,
            ids: self.inner.request.ids.clone(),
            claim: self.inner.request.claim,
            ..Request::default()
        };
        Ctx::within(
            Some(self.origin().clone()),
            self.inner.cloud.clone(),
            self.inner.service,
            account,
            region,
            self.inner.caller.clone(),
            request,
        )
    }

    /// The same request as another makes it, elsewhere and with headers and a body of its own: what a form says in its
    /// fields.
    #[must_use]
    pub fn recast(&self, caller: Caller, region: Region, headers: HeaderMap, body: Body) -> Ctx {
        let sent = self.request();
        let head = Head {
            method: sent.method.clone(),
            uri: sent.uri.clone(),
            version: sent.version,
            headers,
            host: sent.host.clone(),
            secure: sent.secure,
            source_ip: sent.source_ip.clone(),
        };
        let request = Request {
            id: sent.id,
            head: Some(Arc::new(head)),
            protocol: sent.protocol,
            ids: sent.ids.clone(),
            claim: sent.claim,
            body: Mutex::new(Some(body)),
        };
        Ctx::within(
            Some(self.origin().clone()),
            self.inner.cloud.clone(),
            self.inner.service,
            caller.account,
            region,
            caller,
            request,
        )
    }

    /// Takes the streaming body of the request; `None` the second time.
    pub fn take_body(&self) -> Option<Body> {
        self.inner
            .request
            .body
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}
