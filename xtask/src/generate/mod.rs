//! `cargo xtask gen`: `wire.rs` of every service, and the catalog's list of services.

mod catalog;
mod names;
mod wire;

use crate::{Outcome, at, root};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use toml::{Table, Value as Toml};
use virga_shape::{ServiceModel, botocore, pack};

/// A file as it should be.
pub struct Generated {
    /// From the workspace's root.
    pub path: PathBuf,
    pub text: String,
}

pub fn run(words: &[String]) -> Outcome {
    match words {
        [] => {}
        [flag, name] if flag == "--print" => {
            let model = pack::service(name).ok_or_else(|| format!("there is no model {name}"))?;
            let operations = model
                .operations
                .iter()
                .map(|operation| operation.name.clone())
                .collect();
            let folder = name.clone();
            print!(
                "{}",
                rustfmt(&wire::write(&Room {
                    folder,
                    module: None,
                    model,
                    operations
                })?)?
            );
            return Ok(());
        }
        _ => return Err("usage: cargo xtask gen, or cargo xtask gen --print MODEL for a look at one service".into()),
    }
    for file in make()? {
        let path = root().join(&file.path);
        if fs::read_to_string(&path).is_ok_and(|text| text == file.text) {
            continue;
        }
        fs::write(&path, &file.text).map_err(at(&path))?;
        println!("{}", file.path.display());
    }
    Ok(())
}

/// All generated files, in memory.
pub fn make() -> Result<Vec<Generated>, String> {
    let rooms = rooms()?;
    let mut files = Vec::new();
    for room in &rooms {
        files.push(Generated {
            path: room.wire(),
            text: rustfmt(&wire::write(room)?)?,
        });
    }
    files.push(Generated {
        path: "crates/catalog/src/generated.rs".into(),
        text: rustfmt(&catalog::source(&rooms))?,
    });
    let example = example()?;
    let tests = Path::new("crates/catalog/tests/typed");
    files.push(Generated {
        path: tests.join("wire.rs"),
        text: rustfmt(&wire::write(&example)?)?,
    });
    files.push(Generated {
        path: tests.join("structures.rs"),
        text: rustfmt(&catalog::structures(&rooms, &example))?,
    });
    files.push(Generated {
        path: catalog::MANIFEST.into(),
        text: catalog::manifest(&rooms)?,
    });
    Ok(files)
}

/// A service's folder, as its `service.toml` describes it.
pub struct Room {
    /// The folder's name.
    pub folder: String,
    /// The module within the crate that holds a further service of the same owner of state (`also` in service.toml).
    pub module: Option<String>,
    pub model: &'static ServiceModel,
    /// Names of the kept operations, sorted.
    pub operations: Vec<String>,
}

impl Room {
    /// The crate, or the module of it, that has `service()` and `wire`.
    pub fn path(&self) -> String {
        let name = format!("virga_{}", self.folder.replace('-', "_"));
        match &self.module {
            Some(module) => format!("{name}::{module}"),
            None => name,
        }
    }

    fn wire(&self) -> PathBuf {
        let source = Path::new("services").join(&self.folder).join("src");
        source.join(self.module.as_deref().unwrap_or_default()).join("wire.rs")
    }
}

/// The model in the catalog's tests, which has what the services' models lack.
fn example() -> Result<Room, String> {
    let path = root().join("crates/catalog/tests/typed/model.json");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let json = serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let model: &'static ServiceModel = Box::leak(Box::new(botocore::convert("example", &json)?));
    Ok(Room {
        folder: "example".to_owned(),
        module: None,
        model,
        operations: model.operations.iter().map(|o| o.name.clone()).collect(),
    })
}

/// The folders of `services/` that have a `service.toml`, in order of name.
pub fn rooms() -> Result<Vec<Room>, String> {
    let services = root().join("services");
    let mut folders: Vec<PathBuf> = fs::read_dir(&services)
        .map_err(at(&services))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|folder| folder.join("service.toml").is_file())
        .collect();
    folders.sort();
    let rooms: Result<Vec<Vec<Room>>, String> = folders.iter().map(|folder| rooms_of(folder)).collect();
    Ok(rooms?.into_iter().flatten().collect())
}

/// The service of a folder, and those that share its state: `also = ["dynamodbstreams"]`, each kept whole.
fn rooms_of(path: &Path) -> Result<Vec<Room>, String> {
    let file = path.join("service.toml");
    let text = fs::read_to_string(&file).map_err(at(&file))?;
    let wrong = |what: String| format!("{}: {what}", file.display());
    let table: Table = text.parse().map_err(|error| wrong(format!("{error}")))?;
    let name = table
        .get("model")
        .and_then(Toml::as_str)
        .ok_or_else(|| wrong("no `model`".into()))?;
    let model = pack::service(name).ok_or_else(|| wrong(format!("there is no model {name}")))?;
    let mut operations: Vec<String> = match table.get("operations") {
        Some(Toml::String(all)) if all == "all" => model.operations.iter().map(|o| o.name.clone()).collect(),
        Some(Toml::Array(names)) => names.iter().filter_map(Toml::as_str).map(str::to_owned).collect(),
        _ => return Err(wrong("`operations` is neither \"all\" nor a list of names".into())),
    };
    operations.sort();
    operations.dedup();
    if let Some(unknown) = operations.iter().find(|name| model.operation(name).is_none()) {
        return Err(wrong(format!("the model has no operation {unknown}")));
    }
    let folder = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let folder = folder.unwrap_or_default();
    let also = table.get("also").and_then(Toml::as_array).into_iter().flatten();
    let mut rooms = vec![Room {
        folder: folder.clone(),
        module: None,
        model,
        operations,
    }];
    for name in also.filter_map(Toml::as_str) {
        let model = pack::service(name).ok_or_else(|| wrong(format!("there is no model {name}")))?;
        rooms.push(Room {
            folder: folder.clone(),
            module: Some(name.replace('-', "_")),
            model,
            operations: model.operations.iter().map(|o| o.name.clone()).collect(),
        });
    }
    Ok(rooms)
}

/// Formats as `cargo fmt` would.
fn rustfmt(source: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("rustfmt: {error}");
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut stdin = child.stdin.take().ok_or("rustfmt: no input")?;
    let text = source.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(failed)?;
    writer
        .join()
        .map_err(|_| "rustfmt: the writer broke")?
        .map_err(failed)?;
    if !output.status.success() {
        return Err("rustfmt refuses the generated code".into());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
