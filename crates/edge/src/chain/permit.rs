//! Permit: whether the caller may do what it asks for.

use super::decode::Decoded;
use super::{Arrival, Desk, Exit, Named, Refused, Target};
use virga_service::Call;

/// A call that may be made.
pub(super) struct Permitted {
    pub(super) target: Target,
    pub(super) named: Named,
    pub(super) call: Call,
}

pub(super) async fn permit(desk: &Desk, arrival: &Arrival, decoded: Decoded) -> Result<Permitted, Exit> {
    let Decoded { target, named, call } = decoded;
    if let Some(permit) = &desk.shared.options.permit {
        let ruling = permit.permit(desk.cloud_for(arrival), &call).await;
        if let Err(error) = ruling {
            return Err(Refused {
                target,
                named: Some(named),
                error,
            }
            .into());
        }
    }
    Ok(Permitted { target, named, call })
}
