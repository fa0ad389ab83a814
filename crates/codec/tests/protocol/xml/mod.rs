//! The protocols that speak XML: query, ec2, rest-xml.

mod conformance;
mod mutations;
mod properties;
mod services;
