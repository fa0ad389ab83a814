//! The one way that every request goes:
//!
//! accept → address → verify → decode → permit → dispatch → encode → finish
//!
//! Each stage is a file, consumes one type and returns the next. [`Arrival`] holds what is known from the start and never
//! changes. Whatever leaves the way early is a [`Refused`] that encode and finish treat like any other end.

mod accept;
mod address;
mod compress;
mod decode;
mod dispatch;
mod encode;
mod finish;
mod front;
mod permit;
mod resource;
mod verify;

use encode::Encoded;
use front::Fronted;

pub use accept::Arrival;
pub(crate) use accept::{Peer, Received};

use crate::body::answer::AnswerBody;
use crate::catch::catch;
use crate::cors::Standing;
use crate::edge::Shared;
use crate::options::Limits;
use crate::tls::Tls;
use crate::world::Chosen;
use std::pin::pin;
use std::sync::Arc;
use virga_base::AwsError;
use virga_codec::OperationRef;
use virga_service::{Cloud, Who, Worlds};
use virga_shape::{Protocol, ServiceModel};

/// Answers one request.
///
/// Most requests are answered without ever waiting. So stages that seldom wait do it behind a pointer: what a future may
/// have to hold, every request pays for.
pub(crate) async fn walk(desk: &Desk, peer: &Peer, received: Received) -> http::Response<AnswerBody> {
    let (arrival, raw) = accept::accept(desk, peer, received);
    let claim = virga_auth::read(&address::signed_facts(&arrival));
    let way = pin!(async {
        if !accept::admit(desk, &arrival)? {
            return Err(Box::pin(accept::aside(desk, &arrival, raw)).await);
        }
        let fronted = match front::is_asked(desk, &arrival) {
            true => Box::pin(front::front(desk, &arrival, raw)).await?,
            false => Fronted::Raw(raw),
        };
        let addressed = match fronted {
            Fronted::Addressed(addressed) => *addressed,
            Fronted::Raw(raw) => {
                let (is_form, mut body) = (address::is_form(&arrival), raw.body);
                if is_form {
                    body = address::read_form(desk, &arrival, &claim, body).await?;
                }
                address::address(desk, &arrival, &claim, is_form, body)?
            }
        };
        if front::is_dangerous(&arrival) {
            Box::pin(front::guard(desk, &arrival, &addressed.target)).await?;
        }
        let verified = match verify::verify(desk, &arrival, addressed)? {
            verify::Seen::Verified(verified) => verified,
            verify::Seen::Issued(unverified) => Box::pin(verify::verify_issued(desk, &arrival, *unverified)).await?,
        };
        for station in desk.stations() {
            let ruling = station.before_decode(&arrival, &verified.target, &verified.who).await;
            ruling.map_err(|error| Refused::of(verified.target, Some(&verified.who), error))?;
        }
        let mut decoded = decode::decode(desk, &arrival, verified).await?;
        for station in desk.stations() {
            let ruling = station.after_decode(&arrival, &mut decoded.call).await;
            if let Err(error) = ruling {
                return Err(decoded.refuse(error).into());
            }
        }
        let permitted = permit::permit(desk, &arrival, decoded).await?;
        dispatch::dispatch(desk, &arrival, permitted).await
    });
    let outcome = catch(way).await.unwrap_or_else(|| Err(Exit::from(Refused::panicked())));
    let mut encoded = encode::encode(&arrival, outcome);
    if arrival.standing != Standing::Plain {
        Box::pin(front::tell(desk, &arrival, &mut encoded)).await;
    }
    if arrival.noted_path().is_some() {
        Box::pin(front::log(desk, &arrival, &mut encoded)).await;
    }
    let Encoded {
        mut response,
        told,
        ruled,
    } = encoded;
    finish::finish(desk, &arrival, &mut response, told, ruled);
    response
}

/// What all requests are served with.
pub(crate) struct Desk {
    shared: Arc<Shared>,
    worlds: Arc<Worlds>,
}

impl Desk {
    pub(crate) fn new(shared: Arc<Shared>, worlds: Arc<Worlds>) -> Desk {
        Desk { shared, worlds }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.options.limits
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.shared.tls
    }

    fn stations(&self) -> &[Arc<dyn crate::Station>] {
        &self.shared.options.stations
    }

    /// The world that a request is meant for. One that means a world that is not there gets no further than address.
    fn cloud_for<'a>(&'a self, arrival: &'a Arrival) -> &'a Arc<Cloud> {
        self.chosen(&arrival.world)
    }

    fn chosen_services<'a>(&'a self, arrival: &'a Arrival) -> impl Iterator<Item = &'a virga_service::Service> {
        self.cloud_for(arrival).services().values()
    }

    fn chosen<'a>(&'a self, world: &'a Chosen) -> &'a Arc<Cloud> {
        match world {
            Chosen::Fork { world, .. } => world,
            Chosen::Main | Chosen::Unknown(_) => self.worlds.main(),
        }
    }
}

/// What a request is meant for, as far as it is known, and the protocol that its caller speaks.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub protocol: Protocol,
    pub model: Option<&'static ServiceModel>,
    pub operation: Option<&'static virga_shape::Operation>,
}

impl Target {
    fn of(protocol: Protocol, op: OperationRef) -> Target {
        Target {
            protocol,
            model: Some(op.model),
            operation: Some(op.operation),
        }
    }

    fn unknown(protocol: Protocol) -> Target {
        Target {
            protocol,
            model: None,
            operation: None,
        }
    }

    fn op(&self) -> Option<OperationRef> {
        Some(OperationRef {
            model: self.model?,
            operation: self.operation?,
        })
    }

    /// DynamoDB's front differs from the others': in what it accepts and in how it answers.
    fn is_dynamodb(&self) -> bool {
        self.is("dynamodb") || self.is("dynamodbstreams")
    }

    fn is(&self, name: &str) -> bool {
        self.model.is_some_and(|model| model.name == name)
    }
}

/// An end before the way's end.
enum Exit {
    Refused(Box<Refused>),
    /// Answered by others than a service, or in no protocol of AWS's.
    Aside(Box<http::Response<AnswerBody>>),
}

/// An error, with what is known of the request that it answers.
struct Refused {
    target: Target,
    who: Option<Box<Who>>,
    error: AwsError,
}

impl Refused {
    fn of(target: Target, who: Option<&Who>, error: AwsError) -> Refused {
        Refused {
            target,
            who: who.cloned().map(Box::new),
            error,
        }
    }

    fn panicked() -> Refused {
        let error = AwsError::internal("An internal error occurred.");
        Refused::of(Target::unknown(Protocol::RestJson), None, error)
    }
}

impl From<Refused> for Exit {
    fn from(refused: Refused) -> Exit {
        Exit::Refused(Box::new(refused))
    }
}
