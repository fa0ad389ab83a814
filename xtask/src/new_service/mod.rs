//! `cargo xtask new-service NAME`: a service's folder, ready to compile, with nothing built yet.

use crate::{Outcome, at, generate, root};
use std::fmt::Write as _;
use std::fs;
use virga_shape::pack;
use virga_shape::{Protocol, ServiceModel};

/// Files of the folder; in names and texts `NAME`, `CRATE` and others stand for what [`fill`] puts there.
const TEMPLATES: &[(&str, &str)] = &[
    ("services/NAME/Cargo.toml", include_str!("templates/Cargo.toml.txt")),
    ("services/NAME/README.md", include_str!("templates/README.md.txt")),
    ("services/NAME/service.toml", include_str!("templates/service.toml.txt")),
    ("services/NAME/src/lib.rs", include_str!("templates/lib.rs.txt")),
    ("services/NAME/src/errors.rs", include_str!("templates/errors.rs.txt")),
    ("services/NAME/src/state.rs", include_str!("templates/state.rs.txt")),
    ("services/NAME/src/ops/mod.rs", include_str!("templates/ops.rs.txt")),
    ("services/NAME/tests/service.rs", include_str!("templates/tests.rs.txt")),
    ("changes/NAME.md", include_str!("templates/change.md.txt")),
];

pub fn run(words: &[String]) -> Outcome {
    let [name] = words else {
        return Err(
            "usage: cargo xtask new-service NAME, with botocore's name of the service (`stepfunctions`)".into(),
        );
    };
    let model = pack::service(name).ok_or_else(|| format!("there is no model {name}"))?;
    if root().join("services").join(name).exists() {
        return Err(format!("services/{name} is there already"));
    }
    for (path, template) in TEMPLATES {
        let path = root().join(fill(path, model));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        fs::write(&path, fill(template, model)).map_err(at(&path))?;
    }
    generate::run(&[])?;
    println!("services/{name} is made. List operations in its service.toml, then run `cargo xtask gen`.");
    Ok(())
}

fn fill(text: &str, model: &ServiceModel) -> String {
    let query = matches!(
        model.protocols.first(),
        Some(Protocol::Query | Protocol::Ec2 | Protocol::RestXml)
    );
    let validation = if query {
        "ValidationError"
    } else {
        "ValidationException"
    };
    let mut operations = String::new();
    for operation in &model.operations {
        let _ = writeln!(operations, "    # {:?},", operation.name);
    }
    let first = model.operations.first().map_or("", |operation| operation.name.as_str());
    text.replace("FULL_NAME", &model.full_name)
        .replace("CRATE", &format!("virga_{}", model.name.replace('-', "_")))
        .replace("VALIDATION", validation)
        .replace("FIRST_OPERATION", first)
        .replace("OPERATIONS\n", &operations)
        .replace("NAME", &model.name)
}

#[cfg(test)]
mod tests {
    use super::{TEMPLATES, fill};
    use virga_shape::pack;

    #[test]
    fn nothing_of_a_template_is_left_open() {
        let model = pack::service("kinesis").expect("kinesis");
        for (path, template) in TEMPLATES {
            let text = fill(path, model) + &fill(template, model);
            for mark in ["NAME", "CRATE", "VALIDATION", "OPERATION"] {
                assert!(!text.contains(mark), "{path}: {mark}");
            }
        }
    }
}
