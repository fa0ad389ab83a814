//! The edge through real sockets: every test starts one on a free port, with services that exist only here.

mod bodies;
mod chain;
mod cors;
mod credentials;
mod limits;
mod malformed;
mod support;
mod tls;
mod worlds;
