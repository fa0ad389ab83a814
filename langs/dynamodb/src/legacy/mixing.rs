//! What may not come together in one request.

use crate::Invalid;

/// Fails where both kinds of parameters were given. Each is a name and whether it was given, in AWS's order for the
/// operation.
pub fn check_mixing(non_expression: &[(&str, bool)], expression: &[(&str, bool)]) -> Result<(), Invalid> {
    let given = |parameters: &[(&str, bool)]| {
        let names: Vec<String> = parameters
            .iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| (*name).to_owned())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    match (given(non_expression), given(expression)) {
        (Some(non_expression), Some(expression)) => Err(Invalid(format!(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {{{non_expression}}} Expression parameters: {{{expression}}}"
        ))),
        _ => Ok(()),
    }
}

/// Whether `ConditionalOperator` may come with so many conditions of `Expected` or a filter.
pub fn check_conditional_operator(given: bool, conditions: usize) -> Result<(), Invalid> {
    match (given, conditions) {
        (true, 0) => Err(Invalid::new(
            "ConditionalOperator cannot be used without Filter or Expected",
        )),
        (true, 1) => Err(Invalid::new(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        )),
        _ => Ok(()),
    }
}

/// Fails where `QueryFilter` names a key attribute of what is queried.
pub fn check_filter_keys<'n>(
    filtered: impl IntoIterator<Item = &'n str>,
    keys: impl IntoIterator<Item = &'n str>,
) -> Result<(), Invalid> {
    let keys: Vec<&str> = keys.into_iter().collect();
    match filtered.into_iter().find(|name| keys.contains(name)) {
        Some(name) => Err(Invalid(format!(
            "QueryFilter can only contain non-primary key attributes: Primary key attribute: {name}"
        ))),
        None => Ok(()),
    }
}
