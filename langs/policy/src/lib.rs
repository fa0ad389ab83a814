//! IAM's policy language, as pure functions: documents, patterns, conditions, variables, and what they decide.
//!
//! [`Policy::parse`] reads a document and says exactly what is wrong with it as a [`Fault`], which each service words for
//! itself. A [`Request`] says who asks for what; [`Policy::evaluate`] answers for one document, [`decide`] for all that
//! apply to a request, in IAM's order. [`Policy::is_public`] is S3's analysis of whom a document lets in.

mod condition;
mod context;
mod document;
mod evaluate;
mod fault;
mod json;
mod operator;
mod parse;
mod pattern;
mod principal;
mod public;

pub use condition::Condition;
pub use context::Context;
pub use document::{Effect, Match, Policy, Statement, Version};
pub use evaluate::{Decision, Reason, Request, Ruling, Sources, Verdict, decide};
pub use fault::Fault;
pub use operator::{Compare, Operator, Quantifier};
pub use parse::{Need, Rules};
pub use pattern::Pattern;
pub use principal::{Asker, Grantee, Principals, Through};

#[cfg(test)]
mod tests;
