//! The expressions of a request with their placeholders, and the parameters that were there before expressions.

use crate::errors::{invalid, validation};
use crate::value::{self, Input};
use std::collections::BTreeMap;
use virga_base::AwsError;
use virga_lang_dynamodb::{
    Condition, ExpressionKind, Item, Placeholders, Projection, Update, parse_condition, parse_projection, parse_update,
};

/// Which parameters an operation has.
pub struct Parameters {
    /// Those that use `ExpressionAttributeValues`, as AWS lists them.
    pub with_values: &'static [&'static str],
    /// Those that use names alone.
    pub with_names: &'static [&'static str],
    /// Those from before expressions.
    pub legacy: &'static [&'static str],
}

/// What came of them, not yet parsed.
pub struct Expressions {
    names: Option<BTreeMap<String, String>>,
    values: Option<Item>,
    texts: Vec<(&'static str, String)>,
}

impl Parameters {
    pub fn read(&self, input: &mut Input) -> Result<Expressions, AwsError> {
        let names_of = |list: &[&'static str]| -> Vec<&'static str> {
            list.iter().copied().filter(|name| input.has(name)).collect()
        };
        let legacy = names_of(self.legacy);
        let (with_values, with_names) = (names_of(self.with_values), names_of(self.with_names));
        let given: Vec<&'static str> = with_names.iter().chain(&with_values).copied().collect();
        if !legacy.is_empty() && !given.is_empty() {
            return Err(validation(format!(
                "Can not use both expression and non-expression parameters in the same request: Non-expression \
                 parameters: {{{}}} Expression parameters: {{{}}}",
                legacy.join(", "),
                given.join(", ")
            )));
        }
        if input.has("ExpressionAttributeNames") && given.is_empty() {
            return Err(validation(
                "ExpressionAttributeNames can only be specified when using expressions",
            ));
        }
        if input.has("ExpressionAttributeValues") && with_values.is_empty() {
            let (all, are) = (self.with_values.join(" and "), self.with_values.len() > 1);
            return Err(validation(if all.is_empty() {
                "ExpressionAttributeValues can only be specified when using expressions".to_owned()
            } else {
                format!(
                    "ExpressionAttributeValues can only be specified when using expressions: {all} {} null",
                    if are { "are" } else { "is" }
                )
            }));
        }
        let names = input.text_map("ExpressionAttributeNames");
        let values = input.take("ExpressionAttributeValues").map(value::read_placeholders);
        let values = values.transpose().map_err(invalid)?;
        let texts = given
            .into_iter()
            .filter_map(|name| Some((name, input.take_text(name)?)))
            .collect();
        Ok(Expressions { names, values, texts })
    }
}

impl Expressions {
    pub fn placeholders(&self) -> Result<Placeholders<'_>, AwsError> {
        Placeholders::new(self.names.as_ref(), self.values.as_ref()).map_err(invalid)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.texts
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, text)| text.as_str())
    }

    /// A condition, a filter or a key condition, where it was given.
    pub fn condition(
        &self,
        kind: ExpressionKind,
        placeholders: &mut Placeholders<'_>,
    ) -> Result<Option<Condition>, AwsError> {
        let text = self.text(kind.name());
        text.map(|text| parse_condition(kind, text, placeholders))
            .transpose()
            .map_err(invalid)
    }

    pub fn projection(&self, placeholders: &mut Placeholders<'_>) -> Result<Option<Projection>, AwsError> {
        let text = self.text(ExpressionKind::Projection.name());
        text.map(|text| parse_projection(text, placeholders))
            .transpose()
            .map_err(invalid)
    }

    pub fn update(&self, placeholders: &mut Placeholders<'_>) -> Result<Option<Update>, AwsError> {
        let text = self.text(ExpressionKind::Update.name());
        text.map(|text| parse_update(text, placeholders))
            .transpose()
            .map_err(invalid)
    }
}
