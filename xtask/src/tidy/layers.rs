//! Which crate may depend on which.

use crate::{at, root};
use std::fs;
use std::path::{Path, PathBuf};
use toml::{Table, Value as Toml};

/// From the bottom to the top; a crate depends only on those below it. `services` and `langs` stand for all in their
/// folders.
const ORDER: &[&str] = &[
    "base",
    "shape",
    "langs",
    "store",
    "blob",
    "store-postgres",
    "blob-object-store",
    "snapshot",
    "codec",
    "auth",
    "service",
    "permit",
    "procs",
    "edge",
    "services",
    "catalog",
    "admin",
    "console",
    "cli",
    "app",
    "testkit",
    "simulation",
];

/// Arrows that point down and are wrong all the same: from, to, why.
const BANNED: &[(&str, &str, &str)] = &[
    (
        "services",
        "services",
        "services meet at the call door and in the outbox",
    ),
    ("services", "codec", "no service knows a wire format"),
    ("services", "auth", "no service knows HTTP"),
    ("services", "edge", "no service knows HTTP"),
    ("store", "shape", "the store knows no AWS"),
    ("store", "langs", "the store knows no AWS"),
    ("codec", "store", "codecs have no state"),
    ("codec", "langs", "codecs know no service"),
    ("auth", "store", "signatures have no state"),
    ("langs", "langs", "interpreters stand alone"),
    ("admin", "catalog", "only app knows everyone"),
    ("cli", "catalog", "only app knows everyone"),
    ("console", "catalog", "only app knows everyone"),
    ("catalog", "edge", "the catalog only lists"),
];

/// A member of the workspace: its folder's name, and the layer it belongs to.
struct Member {
    path: PathBuf,
    name: String,
    layer: String,
}

fn members() -> Result<Vec<Member>, String> {
    let mut members = Vec::new();
    for group in ["crates", "services", "langs", "tests"] {
        let folder = root().join(group);
        if !folder.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(at(&folder))?.flatten() {
            if !entry.path().join("Cargo.toml").is_file() {
                continue;
            }
            let folder = entry.file_name().to_string_lossy().into_owned();
            let layer = if group == "crates" || group == "tests" {
                folder.clone()
            } else {
                group.to_owned()
            };
            // An interpreter may be named like the service whose language it is.
            let name = if group == "langs" {
                format!("lang-{folder}")
            } else {
                folder
            };
            let path = entry.path();
            members.push(Member { path, name, layer });
        }
    }
    members.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(members)
}

/// Names of the house's crates that a manifest depends on, other than for tests.
fn dependencies(manifest: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(manifest).map_err(at(manifest))?;
    let table: Table = text
        .parse()
        .map_err(|error| format!("{}: {error}", manifest.display()))?;
    let targets = table.get("target").and_then(Toml::as_table);
    let tables = std::iter::once(&table).chain(targets.into_iter().flat_map(|t| t.values()).filter_map(Toml::as_table));
    let mut names = Vec::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let found = table
                .get(kind)
                .and_then(Toml::as_table)
                .into_iter()
                .flat_map(|t| t.keys());
            names.extend(found.filter_map(|name| name.strip_prefix("virga-")).map(str::to_owned));
        }
    }
    Ok(names)
}

fn rank(layer: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == layer)
}

/// What is wrong with an arrow between two layers.
fn wrong(from: &str, to: &str) -> Option<String> {
    if let Some((_, _, why)) = BANNED.iter().find(|(f, t, _)| (*f, *t) == (from, to)) {
        return Some((*why).to_owned());
    }
    match (rank(from), rank(to)) {
        (None, _) => Some(format!("xtask/src/tidy/layers.rs does not say where {from} belongs")),
        (_, None) => Some(format!("xtask/src/tidy/layers.rs does not say where {to} belongs")),
        (Some(from), Some(to)) if to >= from => Some("the arrow points up".to_owned()),
        _ => None,
    }
}

/// Arrows between crates that point the wrong way.
pub fn arrows() -> Result<Vec<String>, String> {
    let members = members()?;
    let mut breaches = Vec::new();
    for member in &members {
        for name in dependencies(&member.path.join("Cargo.toml"))? {
            let layer = members.iter().find(|m| m.name == name).map(|m| m.layer.as_str());
            let why = match layer {
                Some(layer) => wrong(&member.layer, layer),
                None => Some("there is no such crate".to_owned()),
            };
            breaches.extend(why.map(|why| format!("{} → {name}: {why}", member.name)));
        }
    }
    Ok(breaches)
}

/// Every service's folder has what readers and the generator look for.
pub fn rooms() -> Result<Vec<String>, String> {
    let services = members()?.into_iter().filter(|member| member.layer == "services");
    let wanted = ["service.toml", "README.md", "src/lib.rs", "src/wire.rs"];
    Ok(services
        .flat_map(|service| {
            let absent = wanted.iter().filter(move |file| !service.path.join(file).is_file());
            let name = service.name.clone();
            absent
                .map(|file| format!("services/{name} lacks {file}"))
                .collect::<Vec<_>>()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn arrows_point_down() {
        assert_eq!(wrong("edge", "codec"), None);
        assert_eq!(wrong("services", "service"), None);
        assert_eq!(wrong("app", "catalog"), None);
        for (from, to) in [
            ("codec", "edge"),
            ("codec", "store"),
            ("services", "services"),
            ("base", "base"),
            ("service", "services"),
            ("cli", "catalog"),
            ("stranger", "base"),
        ] {
            assert!(wrong(from, to).is_some(), "{from} → {to}");
        }
    }
}
