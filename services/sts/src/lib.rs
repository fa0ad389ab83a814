//! AWS Security Token Service: tells callers who they are, and issues credentials that end.
//!
//! Every session is a row ([`state`]) under its access key id, which the edge asks for when the key signs a call. What
//! Virga answers otherwise than AWS stands in the service's README.

mod due;
mod errors;
mod jwt;
mod key;
mod ops;
mod policy;
mod role;
mod saml;
mod session;
mod state;
mod tags;
pub mod wire;

use virga_service::{Service, Validation};

/// The service with all its faces.
pub fn service() -> Service {
    Service::new(wire::MODEL, Validation::Standard("ValidationError"))
        .tables(&[state::SESSIONS.owned_info()])
        .setting(
            "check_saml_times",
            "false",
            "Refuse SAML assertions behind their NotOnOrAfter, as AWS does.",
        )
        .on(wire::ASSUME_ROLE, ops::role::assume_role)
        .on(wire::ASSUME_ROLE_WITH_SAML, ops::federated::assume_role_with_saml)
        .on(
            wire::ASSUME_ROLE_WITH_WEB_IDENTITY,
            ops::federated::assume_role_with_web_identity,
        )
        .on(wire::ASSUME_ROOT, ops::role::assume_root)
        .on(
            wire::DECODE_AUTHORIZATION_MESSAGE,
            ops::identity::decode_authorization_message,
        )
        .on(wire::GET_ACCESS_KEY_INFO, ops::identity::get_access_key_info)
        .on(wire::GET_CALLER_IDENTITY, ops::identity::get_caller_identity)
        .on(wire::GET_FEDERATION_TOKEN, ops::token::get_federation_token)
        .on(wire::GET_SESSION_TOKEN, ops::token::get_session_token)
        .due(due::FORGET, due::forget)
        .credentials(ops::identity::find_credential)
}
