//! Declared corrections to botocore's models.

use super::sorted;
use crate::at;
use serde_json::{Map, Value as Json};
use std::fs;
use std::path::Path;

/// One file of `models/overlays`.
pub struct Overlay {
    pub file: String,
    pub service: String,
    pub corrections: Vec<Correction>,
    pub applied: bool,
}

pub struct Correction {
    /// Why AWS is believed to differ from its model.
    pub evidence: String,
    /// Value by JSON pointer.
    pub set: Map<String, Json>,
}

pub fn read(folder: &Path) -> Result<Vec<Overlay>, String> {
    let files = sorted(folder)?;
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "json"))
        .map(|file| {
            let text = fs::read_to_string(file).map_err(at(file))?;
            parse(super::file_name(file), &text)
        })
        .collect()
}

fn parse(file: String, text: &str) -> Result<Overlay, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("{file}: {error}"))?;
    let service = json["service"]
        .as_str()
        .ok_or(format!("{file}: no `service`"))?
        .to_owned();
    let corrections = json["corrections"]
        .as_array()
        .ok_or(format!("{file}: no `corrections`"))?
        .iter()
        .map(|correction| {
            let evidence = correction["evidence"].as_str().filter(|text| !text.is_empty());
            Ok(Correction {
                evidence: evidence
                    .ok_or(format!("{file}: a correction without `evidence`"))?
                    .to_owned(),
                set: correction["set"].as_object().cloned().unwrap_or_default(),
            })
        })
        .collect::<Result<_, String>>()?;
    Ok(Overlay {
        file,
        service,
        corrections,
        applied: false,
    })
}

impl Overlay {
    /// Sets every value. A path whose parent is missing, or that already holds the value, is an error.
    pub fn apply(&mut self, model: &mut Json) -> Result<(), String> {
        for (path, value) in self.corrections.iter().flat_map(|correction| &correction.set) {
            let wrong = |what: &str| format!("{}: {path}: {what}", self.file);
            let (parent, name) = path.rsplit_once('/').ok_or_else(|| wrong("is no path"))?;
            let parent = model
                .pointer_mut(parent)
                .and_then(Json::as_object_mut)
                .ok_or_else(|| wrong("the model has no such place"))?;
            let name = name.replace("~1", "/").replace("~0", "~");
            if parent.insert(name, value.clone()).as_ref() == Some(value) {
                return Err(wrong("the model says so itself; remove the correction"));
            }
        }
        self.applied = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    fn applied(path: &str) -> Result<serde_json::Value, String> {
        let text = json!({"service": "s", "corrections": [{"evidence": "seen", "set": {path: 1}}]}).to_string();
        let mut model = json!({"a": {"b": 1, "c": 2}});
        parse("s.json".into(), &text)?.apply(&mut model)?;
        Ok(model)
    }

    #[test]
    fn a_correction_sets_what_differs() {
        assert_eq!(applied("/a/c"), Ok(json!({"a": {"b": 1, "c": 1}})));
        assert_eq!(applied("/a/d"), Ok(json!({"a": {"b": 1, "c": 2, "d": 1}})));
    }

    #[test]
    fn a_stale_or_misplaced_correction_is_refused() {
        assert!(applied("/a/b").is_err());
        assert!(applied("/x/y").is_err());
        assert!(parse("s.json".into(), r#"{"service":"s","corrections":[{"set":{}}]}"#).is_err());
    }
}
