//! Generated files are what their generators would write now.

use crate::{at, generate, models, root};
use std::fs;

/// Regenerates in memory and compares.
pub fn generated() -> Result<Vec<String>, String> {
    let files = generate::make()?;
    let stale = files.iter().filter(|file| {
        let committed = fs::read_to_string(root().join(&file.path));
        committed.map_or(true, |text| text != file.text)
    });
    Ok(stale
        .map(|file| format!("{} is stale; run `cargo xtask gen`", file.path.display()))
        .collect())
}

/// The README carries the hashes of the pack and of the overlays that went into it.
pub fn pack() -> Result<Vec<String>, String> {
    let folder = root().join("models");
    let pack = folder.join("pack.bin");
    let readme = folder.join("README.md");
    let readme_text = fs::read_to_string(&readme).map_err(at(&readme))?;
    let hashes = [
        ("pack.bin", models::digest(&fs::read(&pack).map_err(at(&pack))?)),
        ("overlays/", models::overlays_digest()?),
    ];
    let changed = hashes.iter().filter(|(_, hash)| !readme_text.contains(hash.as_str()));
    Ok(changed
        .map(|(name, _)| format!("models/{name} is not what models/README.md records; run `cargo xtask models`"))
        .collect())
}
