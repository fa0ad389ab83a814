//! A policy as it was understood.

use crate::{Asker, Condition, Context, Pattern, Principals, Through};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Without policy variables; also what holds where none is named.
    V2008,
    V2012,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub negated: bool,
    pub patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sid: Option<String>,
    pub effect: Effect,
    /// `None` in identities' policies, which are about their owner.
    pub principals: Option<Principals>,
    pub actions: Match,
    /// `None` where the rules let it be left out: the policy is about what it is attached to.
    pub resources: Option<Match>,
    pub conditions: Vec<Condition>,
}

/// A whole document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub version: Version,
    /// Whether the document names its version.
    pub has_version: bool,
    pub id: Option<String>,
    pub statements: Vec<Statement>,
}

impl Statement {
    /// How the statement is about a request, if it is.
    pub fn applies(&self, asker: &Asker<'_>, action: &str, resource: &str, context: &Context) -> Option<Through> {
        let through = match &self.principals {
            Some(principals) => principals.matches(asker)?,
            None => Through::Itself,
        };
        let of_action = self
            .actions
            .any(|pattern| pattern.matches_ignoring_case(action, context));
        let of_resource = match &self.resources {
            Some(resources) => resources.any(|pattern| pattern.matches_arn(resource, context)),
            None => true,
        };
        let applies = of_action && of_resource && self.conditions.iter().all(|condition| condition.is_met(context));
        applies.then_some(through)
    }
}

impl Match {
    fn any(&self, is: impl Fn(&Pattern) -> bool) -> bool {
        self.patterns.iter().any(is) != self.negated
    }

    /// Whether it speaks of any of these names, for services that check what a document may name.
    pub fn names(&self, name: &str) -> bool {
        self.any(|pattern| pattern.matches_ignoring_case(name, &Context::new()))
    }
}
