//! Dispatch: the operation itself.

use super::permit::Permitted;
use super::{Arrival, Desk, Exit, Refused, Target};
use crate::catch::catch;
use crate::world::Chosen;
use virga_base::AwsError;
use virga_service::{Answer, Cloud, Who};

/// What an operation answered.
pub(super) struct Answered {
    pub(super) target: Target,
    pub(super) who: Box<Who>,
    pub(super) answer: Answer,
}

pub(super) async fn dispatch(desk: &Desk, arrival: &Arrival, permitted: Permitted<'_>) -> Result<Answered, Exit> {
    let Permitted {
        target,
        service,
        registered,
        who,
        call,
    } = permitted;
    let mut running = desk.cloud_for(arrival).run(service, registered, call);
    let answer = match &arrival.world {
        Chosen::Fork { world, .. } => {
            let racing = async {
                tokio::select! {
                    biased;
                    answer = catch(running.as_mut()) => answer,
                    () = world.ended() => Some(Err(dropped(world))),
                }
            };
            Box::pin(racing).await
        }
        _ => catch(running.as_mut()).await,
    };
    let answer = match answer {
        Some(answer) => answer,
        None => {
            let operation = target.operation.map_or("?", |operation| operation.name.as_str());
            log::error!("the operation {operation} panicked (request {})", arrival.id);
            Err(AwsError::internal("An internal error occurred."))
        }
    };
    match answer {
        Ok(answer) => Ok(Answered { target, who, answer }),
        Err(error) => Err(Exit::from(Refused {
            target,
            who: Some(who),
            error,
        })),
    }
}

/// The end of a call whose world was dropped in its course; what it has written went with the world.
fn dropped(world: &Cloud) -> AwsError {
    let message = format!(
        "The world {:?} was dropped while this call was under way.",
        world.world()
    );
    AwsError::new("UnknownWorld", message)
}
