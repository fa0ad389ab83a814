//! A running world: its store, clock and ids, the services in it, and dispatch.

use crate::claims::Claims;
use crate::operation::{Answer, BoxFuture, Handler};
use crate::worlds::{self, Life, Origin};
use crate::{Caller, Checked, Credential, CrossOrigin, Ctx, Question, Registered, Request, Served, Service, Site};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::RwLock;
use virga_base::{Account, AwsError, Clock, Ids, Region};
use virga_blob::Blobs;
use virga_shape::{Operation, ServiceModel, Value, pack};
use virga_store::{Clearer, Store, StoreError, TableInfo, schedule};

/// The streams of a seed: each opening of the rows has one, so has each row of deferred work, and one is for the rest.
const STREAM_ASIDE: u64 = u64::MAX;
const STREAM_OF_WORK: u64 = 1 << 63;
const OPENING_UNKNOWN: u64 = STREAM_OF_WORK - 1;

/// What a world is made of.
pub struct CloudOptions {
    pub store: Store,
    pub clock: Clock,
    pub ids: Ids,
    pub services: Vec<Service>,
    /// By service, then name.
    pub settings: BTreeMap<String, BTreeMap<String, String>>,
}

/// A world at work.
pub struct Cloud {
    store: Store,
    clock: Clock,
    pub(crate) ids: Ids,
    house: Arc<House>,
    pub(crate) life: Life,
    /// Held shared by deferred work under way, exclusively by [`Cloud::settle`].
    pub(crate) working: Arc<RwLock<()>>,
    pub(crate) claims: Claims,
}

/// What all worlds of a process share.
struct House {
    /// For what is no call of AWS's, and must not change what calls draw.
    ids_aside: Ids,
    blobs: Blobs,
    /// Tells `blobs` what transactions leave.
    clearer: Arc<Clearer>,
    services: BTreeMap<&'static str, Service>,
    settings: BTreeMap<String, BTreeMap<String, String>>,
}

/// One call of one operation, decoded and addressed.
pub struct Call {
    pub model: &'static ServiceModel,
    pub operation: &'static Operation,
    /// A structure of the operation's input shape; `Null` where it has none.
    pub input: Value,
    pub caller: Caller,
    pub account: Account,
    pub region: Region,
    pub request: Request,
}

impl Call {
    /// A call from within, by name. Errors name a service or operation that AWS does not have.
    pub fn named(
        service: &str,
        operation: &str,
        input: Value,
        caller: Caller,
        account: Account,
        region: Region,
    ) -> Result<Call, AwsError> {
        let unknown = || {
            AwsError::new(
                "UnknownOperationException",
                format!("there is no operation {operation} of {service}"),
            )
        };
        let model = pack::service(service).ok_or_else(unknown)?;
        let operation = model.operation(operation).ok_or_else(unknown)?;
        Ok(Call {
            model,
            operation,
            input,
            caller,
            account,
            region,
            request: Request::default(),
        })
    }
}

impl Cloud {
    /// A world whose object bytes go with the process.
    pub fn new(options: CloudOptions) -> Arc<Cloud> {
        Cloud::with_blobs(options, Blobs::private())
    }

    pub fn with_blobs(options: CloudOptions, blobs: Blobs) -> Arc<Cloud> {
        let CloudOptions {
            store,
            clock,
            ids,
            services,
            settings,
        } = options;
        let left = blobs.clone();
        let house = House {
            ids_aside: ids.stream(STREAM_ASIDE),
            blobs,
            clearer: Arc::new(Clearer(Box::new(move |what| left.doubt_left(what)))),
            services: services.into_iter().map(|service| (service.name, service)).collect(),
            settings,
        };
        let opening = opening(&store);
        let ids = if opening == 0 { ids } else { ids.stream(opening) };
        Cloud::with(store, clock, ids, Arc::new(house), Life::of_main())
    }

    fn with(mut store: Store, clock: Clock, ids: Ids, house: Arc<House>, life: Life) -> Arc<Cloud> {
        store.clear_away(house.clearer.clone());
        Arc::new(Cloud {
            claims: Claims::new(&store),
            store,
            clock,
            ids,
            house,
            life,
            working: Arc::default(),
        })
    }

    /// A world of these rows beside this one, with the same services and a clock that shows the same.
    pub(crate) fn beside(&self, store: Store, ids: Ids, name: &str, origin: Origin) -> Arc<Cloud> {
        let life = Life::of_fork(name.into(), origin);
        let world = Cloud::with(store, self.clock.fork(), ids, self.house.clone(), life);
        // What the other world was working on when the rows were copied, nobody works on here.
        world.claims.doubt();
        world
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The object bytes of all worlds.
    pub fn blobs(&self) -> &Blobs {
        &self.house.blobs
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn ids(&self) -> &Ids {
        &self.ids
    }

    /// The source of ids for what is no call of AWS's: asking for the health or the time shall not change what the next
    /// call draws.
    pub fn ids_aside(&self) -> &Ids {
        &self.house.ids_aside
    }

    /// The source of ids of one row of deferred work, whose number it is. Work runs beside calls, and must not change
    /// what they draw.
    pub(crate) fn ids_of_work(&self, number: u64) -> Ids {
        self.ids.stream(STREAM_OF_WORK | number)
    }

    /// The service with that model name, if it is built.
    pub fn service(&self, name: &str) -> Option<&Service> {
        // There are few; nearly all differ in their names' length already.
        self.house.services.values().find(|service| service.name == name)
    }

    /// The services that are built, by name.
    pub fn services(&self) -> &BTreeMap<&'static str, Service> {
        &self.house.services
    }

    /// The tables that the house and its services declare.
    pub fn tables(&self) -> impl Iterator<Item = &TableInfo> {
        let own = schedule::TABLES
            .iter()
            .chain(&virga_store::TABLES)
            .chain(&worlds::state::TABLES)
            .chain(&virga_blob::state::TABLES);
        own.chain(self.house.services.values().flat_map(|service| &service.tables))
    }

    pub fn setting(&self, service: &str, name: &str) -> Option<&str> {
        self.house.settings.get(service)?.get(name).map(String::as_str)
    }

    /// Checks a call and runs its operation, or says that it is not built.
    pub async fn dispatch(self: &Arc<Cloud>, call: Call) -> Result<Answer, AwsError> {
        let (service, handler) = self.built(&call)?;
        self.hand(service, handler, service.check(call)?).await
    }

    /// Runs the operation of a call that was checked before, or says that it is not built. `service` and `registered` are
    /// those that it means, as far as the caller knows.
    pub fn run(
        self: &Arc<Cloud>,
        service: &Service,
        registered: &Registered,
        call: Checked,
    ) -> BoxFuture<Result<Answer, AwsError>> {
        if service.name == call.model.name && registered.name == call.operation.name {
            return self.hand(service, &registered.handler, call);
        }
        match self.built(&call) {
            Ok((service, handler)) => self.hand(service, handler, call),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn built(&self, call: &Call) -> Result<(&Service, &Handler), AwsError> {
        let service = self.service(&call.model.name);
        service
            .and_then(|service| Some((service, &service.operation(&call.operation.name)?.handler)))
            .ok_or_else(|| AwsError::not_implemented(&call.model.service_id, &call.operation.name))
    }

    fn hand(
        self: &Arc<Cloud>,
        service: &Service,
        handler: &Handler,
        call: Checked,
    ) -> BoxFuture<Result<Answer, AwsError>> {
        let Call {
            model,
            operation,
            input,
            caller,
            account,
            region,
            request,
        } = call.into_call();
        let output = operation.output.map(|id| model.shape_ref(id));
        let ctx = Ctx::new(self.clone(), service.name, account, region, caller, request);
        if !self.store.sees_early() {
            return handler(ctx, input, output);
        }
        let answer = handler(ctx.clone(), input, output);
        Box::pin(async move {
            let answer = answer.await;
            ctx.settle().await?;
            answer
        })
    }

    /// What a service's site answers to a request; none where it has no site.
    pub async fn site(
        self: &Arc<Cloud>,
        service: &Service,
        name: &str,
        region: Region,
        request: Request,
    ) -> Option<Result<Site, AwsError>> {
        let (_, handler) = service.site.as_ref()?;
        let ctx = self.unsigned(service, region, request);
        let answer = handler(ctx.clone(), name.to_owned()).await;
        Some(match ctx.settle().await {
            Ok(()) => answer,
            Err(error) => Err(error.into()),
        })
    }

    /// What a service's own rules say of a page of another origin.
    pub async fn cross_origin(
        self: &Arc<Cloud>,
        service: &Service,
        region: Region,
        request: Request,
        question: Question,
    ) -> CrossOrigin {
        match &service.cross_origin {
            Some(handler) => handler(self.unsigned(service, region, request), question).await,
            None => CrossOrigin::Unruled,
        }
    }

    /// Whether a service wants to be told of a request to that path.
    pub fn wants_served(&self, service: &Service, path: &str) -> bool {
        service.served.as_ref().is_some_and(|(wanted, _)| wanted(self, path))
    }

    /// Tells a service of a request that was answered.
    pub async fn tell_served(
        self: &Arc<Cloud>,
        service: &Service,
        caller: Caller,
        region: Region,
        request: Request,
        served: Served,
    ) {
        if let Some((_, handler)) = &service.served {
            let account = caller.account;
            let ctx = Ctx::new(self.clone(), service.name, account, region, caller, request);
            handler(ctx, served).await;
        }
    }

    /// The context of a request that nobody has signed.
    fn unsigned(self: &Arc<Cloud>, service: &Service, region: Region, request: Request) -> Ctx {
        let (account, caller) = (Account::DEFAULT, Caller::anonymous(Account::DEFAULT));
        Ctx::new(self.clone(), service.name, account, region, caller, request)
    }

    /// Asks every service that issues access keys for this one.
    pub async fn find_credential(
        self: &Arc<Cloud>,
        access_key_id: &str,
        region: &Region,
    ) -> Result<Option<Credential>, AwsError> {
        for service in self.services().values() {
            let Some(find) = &service.credentials else { continue };
            let caller = Caller::service(Account::DEFAULT, "virga");
            let ctx = Ctx::new(
                self.clone(),
                service.name,
                Account::DEFAULT,
                region.clone(),
                caller,
                Request::default(),
            );
            let found = find(ctx.clone(), access_key_id.to_owned()).await?;
            ctx.settle().await?;
            if let Some(credential) = found {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// Back to an empty world at the machine's time, whose ids begin anew where they are seeded.
    pub async fn reset(&self) -> Result<(), StoreError> {
        // Deferred work under way would write rows of the old world into the new one.
        let alone = self.working.write().await;
        self.store.clear()?;
        self.house.blobs.doubt_all();
        self.clock.reset();
        self.ids.restart(opening(&self.store));
        drop(alone);
        self.remember_origin().await
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // The scheduler finds that this world is no more.
        self.store.ring();
    }
}

/// The stream of a seed that calls draw from. Rows that have been open before hold ids that the seed has drawn; drawn
/// again, they would meet.
fn opening(store: &Store) -> u64 {
    store.count_opening().unwrap_or_else(|error| {
        log::error!("cannot count the opening of the store: {error}");
        OPENING_UNKNOWN
    })
}

#[cfg(test)]
mod tests {
    use super::{Cloud, CloudOptions};
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use virga_base::{Clock, Ids, Timestamp};
    use virga_store::{Decision, Durable, Engine, MemoryEngine, Reader, Store, StoreError, Writer};

    /// An engine that several stores open one after another.
    struct Shared(Arc<dyn Engine>);

    impl Engine for Shared {
        fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
            self.0.read(f)
        }

        fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
            self.0.write(f)
        }

        fn clear(&self) -> Result<(), StoreError> {
            self.0.clear()
        }

        fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
            self.0.fork(name)
        }
    }

    fn open(engine: Box<dyn Engine>) -> Arc<Cloud> {
        Cloud::new(CloudOptions {
            store: Store::new(engine),
            clock: Clock::frozen(Timestamp::EPOCH),
            ids: Ids::seeded(7),
            services: Vec::new(),
            settings: BTreeMap::new(),
        })
    }

    #[test]
    fn rows_that_are_opened_again_meet_other_ids() -> Result<(), StoreError> {
        let rows = MemoryEngine::default();
        assert_eq!(open(rows.fork("first")?).ids().uuid(), Ids::seeded(7).uuid());
        // The same rows, as the first has left them.
        let left: Arc<dyn Engine> = Arc::new(rows);
        Store::new(Box::new(Shared(left.clone()))).count_opening()?;
        let second = open(Box::new(Shared(left.clone()))).ids().uuid();
        let third = open(Box::new(Shared(left))).ids().uuid();
        assert!(second != third && second != Ids::seeded(7).uuid());
        Ok(())
    }

    #[tokio::test]
    async fn a_reset_begins_the_ids_anew_and_later_openings_know_of_it() -> Result<(), StoreError> {
        let rows: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        let first = open(Box::new(Shared(rows.clone())));
        let drawn = (first.ids().uuid(), first.ids_of_work(1).uuid());
        let second = open(Box::new(Shared(rows.clone())));
        for cloud in [first, second] {
            cloud.reset().await?;
            assert_eq!((cloud.ids().uuid(), cloud.ids_of_work(1).uuid()), drawn);
        }
        assert_ne!(open(Box::new(Shared(rows))).ids().uuid(), drawn.0);
        Ok(())
    }

    #[test]
    fn what_is_drawn_aside_or_by_work_hurries_no_call_on() {
        let (busy, idle) = (
            open(Box::new(MemoryEngine::default())),
            open(Box::new(MemoryEngine::default())),
        );
        busy.ids_aside().uuid();
        let worked = busy.ids_of_work(1).uuid();
        assert_ne!(worked, busy.ids_of_work(2).uuid());
        assert_eq!(busy.ids().uuid(), idle.ids().uuid());
        assert_eq!(worked, idle.ids_of_work(1).uuid());
    }
}
