//! Permit: whether the caller may do what it asks for.

use super::decode::Decoded;
use super::{Arrival, Desk, Exit, Refused, Target};
use virga_service::{Checked, Registered, Service, Who};

/// A call that may be made.
pub(super) struct Permitted<'a> {
    pub(super) target: Target,
    pub(super) service: &'a Service,
    pub(super) registered: &'a Registered,
    pub(super) who: Box<Who>,
    pub(super) call: Checked,
}

pub(super) async fn permit<'a>(desk: &Desk, arrival: &Arrival, decoded: Decoded<'a>) -> Result<Permitted<'a>, Exit> {
    let Decoded {
        target,
        service,
        registered,
        who,
        call,
    } = decoded;
    if let Some(permit) = &desk.shared.options.permit {
        let ruling = permit.permit(desk.cloud_for(arrival), &call).await;
        if let Err(error) = ruling {
            return Err(Refused {
                target,
                who: Some(who),
                error,
            }
            .into());
        }
    }
    Ok(Permitted {
        target,
        service,
        registered,
        who,
        call,
    })
}
