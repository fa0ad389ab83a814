//! Tests of the protocols that speak XML: query, ec2, rest-xml.

mod cases;
mod conformance;
mod mutations;
mod properties;
mod services;
