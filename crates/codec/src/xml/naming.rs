//! How members, elements and entries are called on the wire.

use virga_shape::{Kind, Member, ShapeRef};

/// Whose names count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The names of XML bodies.
    Xml,
    /// The names of the query protocol, requests and answers alike. They differ from XML's only where an overlay gives
    /// a service (SQS) back the names that left its model.
    Query,
    /// The names of EC2's requests: the model's own, else XML's with a capital.
    Ec2Request,
}

impl Naming {
    /// Whether the member travels in the body. Query and EC2 know no other place, whatever the model says.
    pub(crate) fn holds(self, member: &Member) -> bool {
        self != Naming::Xml || member.location.is_none()
    }
}

/// Whether a list's elements or a map's entries stand directly in the structure that holds them.
pub(crate) fn flattened(naming: Naming, owner: ShapeRef, member: &Member) -> bool {
    let by_shape = match owner.target(member).kind() {
        // EC2's requests know no other lists.
        Kind::List { flattened, .. } => *flattened || naming == Naming::Ec2Request,
        Kind::Map { flattened, .. } => *flattened,
        _ => return false,
    };
    by_shape || member.flattened
}

/// The name of a structure's member. For EC2's requests it still lacks the capital: see [`is_called`], [`push_name`].
///
/// Models older than Smithy flatten a list at its shape and name its element there; such a list goes by its element's
/// name unless the member has one of its own.
pub(crate) fn member_name(naming: Naming, owner: ShapeRef, member: &Member) -> &str {
    if let Some(name) = own_name(naming, member) {
        return name;
    }
    if let Kind::List {
        element,
        flattened: true,
        ..
    } = owner.target(member).kind()
        && let Some(name) = own_name(naming, element)
    {
        return name;
    }
    &member.name
}

/// Whether `name`, from a request, means this member.
pub(crate) fn is_called(naming: Naming, owner: ShapeRef, member: &Member, name: &str) -> bool {
    let own = member_name(naming, owner, member);
    if naming != Naming::Ec2Request || member.query_name.is_some() {
        return own == name;
    }
    match (own.as_bytes(), name.as_bytes()) {
        ([own_first, own_rest @ ..], [first, rest @ ..]) => {
            own_first.to_ascii_uppercase() == *first && own_rest == rest
        }
        _ => false,
    }
}

/// Appends the name that a request gives this member.
pub(crate) fn push_name(naming: Naming, owner: ShapeRef, member: &Member, out: &mut String) {
    let own = member_name(naming, owner, member);
    let mut characters = own.chars();
    match characters.next() {
        Some(first) if naming == Naming::Ec2Request && member.query_name.is_none() => {
            out.push(first.to_ascii_uppercase());
            out.push_str(characters.as_str());
        }
        _ => out.push_str(own),
    }
}

/// The name of a list's element, where the list is not flattened.
pub(crate) fn element_name(naming: Naming, element: &Member) -> &str {
    own_name(naming, element).unwrap_or("member")
}

/// The names of a map entry's key and value.
pub(crate) fn entry_names<'m>(naming: Naming, key: &'m Member, value: &'m Member) -> (&'m str, &'m str) {
    (
        own_name(naming, key).unwrap_or("key"),
        own_name(naming, value).unwrap_or("value"),
    )
}

fn own_name(naming: Naming, member: &Member) -> Option<&str> {
    match naming {
        Naming::Xml => member.wire.as_deref(),
        Naming::Query | Naming::Ec2Request => member.query_name.as_deref().or(member.wire.as_deref()),
    }
}
