//! `cargo xtask models`: the facts of botocore's models, all services, as one file.

mod overlay;

use crate::{Outcome, at, root};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::DeflateEncoder;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use virga_shape::ServiceModel;
use virga_shape::botocore;
use virga_shape::pack::{Entry, Index, MAGIC};

/// The one version of botocore that the pack is made from.
const BOTOCORE_VERSION: &str = "1.43.11";

pub fn run(words: &[String]) -> Outcome {
    let folder = match words {
        [] => None,
        [flag, folder] if flag == "--botocore" => Some(PathBuf::from(folder)),
        _ => return Err("usage: cargo xtask models [--botocore DIR]".into()),
    };
    let installed = match folder {
        Some(folder) => folder,
        None => installed_botocore()?,
    };
    let made = make(&installed)?;
    fs::write(root().join("models/pack.bin"), &made.pack).map_err(at(Path::new("models/pack.bin")))?;
    fs::write(root().join("models/README.md"), made.readme).map_err(at(Path::new("models/README.md")))?;
    println!("models/pack.bin: {} bytes", made.pack.len());
    Ok(())
}

pub struct Made {
    pub pack: Vec<u8>,
    pub readme: String,
}

/// The folder of the botocore that `VIRGA_BOTOCORE` names or that Python (`VIRGA_PYTHON` or `python3`) imports.
pub fn installed_botocore() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("VIRGA_BOTOCORE") {
        return Ok(folder.into());
    }
    let python = std::env::var("VIRGA_PYTHON").unwrap_or_else(|_| "python3".into());
    let answer = std::process::Command::new(&python)
        .args(["-c", "import botocore, os; print(os.path.dirname(botocore.__file__))"])
        .output()
        .map_err(|error| format!("{python}: {error}"))?;
    if !answer.status.success() {
        return Err(format!(
            "{python} has no botocore; install botocore=={BOTOCORE_VERSION}, or pass --botocore DIR"
        ));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()))
}

/// Makes the pack and its README in memory.
pub fn make(installed: &Path) -> Result<Made, String> {
    check_version(installed)?;
    let mut overlays = overlay::read(&root().join("models/overlays"))?;
    let mut models = Vec::new();
    for folder in sorted(&installed.join("data"))? {
        let Some(file) = newest_version(&folder)? else { continue };
        let name = file_name(&folder);
        let mut json = read_gzipped(&file)?;
        for overlay in overlays.iter_mut().filter(|overlay| overlay.service == name) {
            overlay.apply(&mut json)?;
        }
        models.push(botocore::convert(&name, &json).map_err(|error| format!("{name}: {error}"))?);
    }
    if let Some(unused) = overlays.iter().find(|overlay| !overlay.applied) {
        return Err(format!("{}: botocore has no service {}", unused.file, unused.service));
    }
    let pack = write_pack(&models)?;
    let readme = readme(&models, &overlays, &pack, &overlays_digest()?);
    Ok(Made { pack, readme })
}

fn check_version(installed: &Path) -> Outcome {
    let file = installed.join("__init__.py");
    let text = fs::read_to_string(&file).map_err(at(&file))?;
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("__version__ = "))
        .map(|quoted| quoted.trim().trim_matches(['\'', '"']));
    match version {
        Some(BOTOCORE_VERSION) => Ok(()),
        other => Err(format!(
            "{} is botocore {}, but the pack is made from {BOTOCORE_VERSION}",
            installed.display(),
            other.unwrap_or("of unknown version"),
        )),
    }
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(at(folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    Ok(paths)
}

/// Versions are dates, so the last in order is the newest.
fn newest_version(service: &Path) -> Result<Option<PathBuf>, String> {
    if !service.is_dir() {
        return Ok(None);
    }
    let versions = sorted(service)?;
    Ok(versions
        .into_iter()
        .rev()
        .map(|version| version.join("service-2.json.gz"))
        .find(|file| file.is_file()))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn read_gzipped(file: &Path) -> Result<Json, String> {
    let mut text = Vec::new();
    let bytes = fs::File::open(file).map_err(at(file))?;
    GzDecoder::new(bytes).read_to_end(&mut text).map_err(at(file))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| error.to_string())
}

/// Magic, length of the index, the index, then frames: each model deflated, and last all names of operations.
fn write_pack(models: &[ServiceModel]) -> Result<Vec<u8>, String> {
    let mut frames = Vec::new();
    let mut entries = Vec::new();
    let mut operations = String::new();
    for model in models {
        let raw = postcard::to_stdvec(model).map_err(|error| error.to_string())?;
        let frame = deflate(&raw)?;
        let operations_start = operations.len();
        let names: Vec<&str> = model
            .operations
            .iter()
            .map(|operation| operation.name.as_str())
            .collect();
        operations.push_str(&names.join("\n"));
        entries.push(Entry {
            name: &model.name,
            service_id: &model.service_id,
            full_name: &model.full_name,
            api_version: &model.api_version,
            endpoint_prefix: &model.endpoint_prefix,
            signing_name: &model.signing_name,
            protocols: model.protocols.clone(),
            target_prefix: model.target_prefix.as_deref(),
            query_compatible: model.query_compatible,
            operation_count: model.operations.len() as u32,
            hash: hash(&raw),
            frame: (frames.len() as u32, frame.len() as u32),
            raw_length: raw.len() as u32,
            operations: (operations_start as u32, (operations.len() - operations_start) as u32),
        });
        frames.extend_from_slice(&frame);
    }
    let names = deflate(operations.as_bytes())?;
    let index = Index {
        botocore_version: BOTOCORE_VERSION,
        names: (frames.len() as u32, names.len() as u32),
        names_raw_length: operations.len() as u32,
        entries,
    };
    frames.extend_from_slice(&names);
    let index = postcard::to_stdvec(&index).map_err(|error| error.to_string())?;
    let mut pack = MAGIC.to_vec();
    pack.extend_from_slice(&(index.len() as u32).to_le_bytes());
    pack.extend_from_slice(&index);
    pack.extend_from_slice(&frames);
    Ok(pack)
}

/// The first eight bytes of SHA-256.
fn hash(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .fold(0, |sum, byte| (sum << 8) | u64::from(*byte))
}

/// SHA-256 in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of all overlays, by name.
pub fn overlays_digest() -> Result<String, String> {
    let mut all = Vec::new();
    for file in sorted(&root().join("models/overlays"))? {
        all.extend_from_slice(file_name(&file).as_bytes());
        all.extend(fs::read(&file).map_err(at(&file))?);
    }
    Ok(digest(&all))
}

fn readme(models: &[ServiceModel], overlays: &[overlay::Overlay], pack: &[u8], overlays_digest: &str) -> String {
    let operations: usize = models.iter().map(|model| model.operations.len()).sum();
    let shapes: usize = models.iter().map(|model| model.shapes.len()).sum();
    let mut text = format!(
        "# AWS's API models, facts only\n\n\
         Written by `cargo xtask models`; do not edit.\n\n\
         `pack.bin` holds names, types, constraints, errors and HTTP bindings of the newest API version of every service\n\
         in botocore, without its prose. The layout is described in `crates/shape/src/pack.rs`.\n\n\
         | | |\n|---|---|\n\
         | Source | botocore {BOTOCORE_VERSION}, `botocore/data` |\n\
         | Licence of the source | Apache-2.0, Amazon.com, Inc. or its affiliates |\n\
         | Services | {} |\n| Operations | {operations} |\n| Shapes | {shapes} |\n\
         | Bytes | {} |\n| SHA-256 of the pack | `{}` |\n| SHA-256 of the overlays | `{}` |\n\n\
         ## Overlays\n\n\
         Files in `overlays/` correct a model before it is converted: `set` puts a value at a path in botocore's JSON.\n\
         An overlay that changes nothing is an error, so that none outlives its reason.\n",
        models.len(),
        pack.len(),
        digest(pack),
        overlays_digest,
    );
    for overlay in overlays {
        let _ = write!(text, "\n### {}\n", overlay.service);
        for correction in &overlay.corrections {
            let _ = write!(text, "\n- {} paths. {}\n", correction.set.len(), correction.evidence);
        }
    }
    text
}
