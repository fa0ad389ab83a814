//! Sizes and words of the files that people read.

use crate::{at, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file at most. Generated files are exempt.
const LINES_MAX: usize = 1_200;

/// What no file may contain, in two halves so that this one does not.
const FORBIDDEN: &[(&str, &str)] = &[("/wo", "rk/"), ("/ro", "ot/")];

/// Endings of files that are text.
const TEXT: &[&str] = &[
    "css", "feature", "html", "js", "json", "lock", "md", "py", "rs", "sh", "tf", "toml", "ts", "txt", "yaml", "yml",
];

/// Folders that are not the project's own writing.
const SKIPPED: &[&str] = &["__pycache__", "artifacts", "corpus", "node_modules"];

fn files() -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut waiting = vec![root()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).map_err(at(&folder))?.flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let hidden = name.starts_with('.') && ![".cargo", ".ci", ".github"].contains(&name.as_str());
            let skipped = hidden || name.starts_with("target") || SKIPPED.contains(&name.as_str());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !skipped => waiting.push(path),
                Ok(kind) if kind.is_file() && !hidden => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Sources of more than [`LINES_MAX`] lines.
pub fn sizes() -> Result<Vec<String>, String> {
    let mut breaches = Vec::new();
    for path in files()? {
        let source = matches!(
            ending(&path),
            "rs" | "py" | "js" | "ts" | "css" | "html" | "feature" | "md" | "sh"
        );
        if !source || path.ends_with("src/wire.rs") {
            continue;
        }
        // A file may vanish while others work in the same tree.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let lines = text.lines().count();
        if lines > LINES_MAX {
            breaches.push(format!("{} has {lines} lines, more than {LINES_MAX}", shown(&path)));
        }
    }
    Ok(breaches)
}

/// Files that name paths of a developer's machine.
pub fn words() -> Result<Vec<String>, String> {
    let mut breaches = Vec::new();
    for path in files()? {
        if !(TEXT.contains(&ending(&path)) || ending(&path).is_empty()) {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for (start, end) in FORBIDDEN {
            let word = format!("{start}{end}");
            if let Some(at) = text.lines().position(|line| line.contains(&word)) {
                breaches.push(format!("{}:{} contains {word}", shown(&path), at + 1));
            }
        }
    }
    Ok(breaches)
}

/// Tables of the store whose numbers another has too: their rows would be mixed. Numbers from 0x7f00 are for tests, which
/// have stores of their own.
pub fn tables() -> Result<Vec<String>, String> {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let mut breaches = Vec::new();
    for path in files()? {
        if ending(&path) != "rs" || path.starts_with(root().join("xtask")) {
            continue;
        }
        let Ok(text) = fs::read_to_string(&path) else { continue };
        for part in text.split("Table::new(0x").skip(1) {
            let (number, rest) = part.split_once(',').unwrap_or_default();
            let name = rest.split('"').nth(1).unwrap_or_default();
            let here = format!("{name} of {}", shown(&path));
            if number.starts_with("7f") {
                continue;
            }
            if let Some(other) = seen.insert(number.to_owned(), here.clone()) {
                breaches.push(format!("0x{number}: {here}, and {other}"));
            }
        }
    }
    Ok(breaches)
}
