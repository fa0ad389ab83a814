//! The object that lists a job's objects. It is read as a whole once, to count them, and then by pieces, as the job goes on: at
//! no time is more of it in memory than one piece.

use super::manifest::{self, LINE_MAX_BYTES, Lines, Named};
use super::run::{Door, Failure};
use crate::s3control::wire::JobManifest;
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use virga_service::Body;

/// Objects of one step.
const TASKS_MAX: usize = 500;
/// Bytes of a manifest, since all lines of a report are kept until it is written.
const MANIFEST_MAX_BYTES: i64 = 64 * 1024 * 1024;
/// What is read of a manifest for one step: some lines, however long they are.
const PIECE_BYTES: u64 = 256 * 1024;
const _: () = assert!(PIECE_BYTES > 2 * LINE_MAX_BYTES as u64);

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Objects that are done.
    pub done: u64,
    /// Bytes of the manifest that name them.
    pub bytes: u64,
}

pub struct List<'a> {
    door: &'a Door<'a>,
    /// GetObject's input.
    object: Json,
    e_tag: Option<String>,
    fields: &'a [String],
}

fn failure(code: &str, reason: String) -> Failure {
    Failure {
        code: code.to_owned(),
        reason,
    }
}

fn invalid(reason: impl Into<String>) -> Failure {
    failure("InvalidManifest", reason.into())
}

fn other_e_tag() -> Failure {
    invalid("The manifest's ETag is not the one that was given.")
}

fn cut_off() -> Failure {
    invalid("The manifest cannot be read to its end.")
}

fn plain(tag: &str) -> String {
    tag.trim_matches('"').to_owned()
}

impl<'a> List<'a> {
    pub fn of(door: &'a Door<'a>, manifest: Option<&'a JobManifest>) -> List<'a> {
        let location = manifest.and_then(|manifest| manifest.location.as_ref());
        let place = location.and_then(|at| manifest::place(at.object_arn.as_deref()?));
        let (bucket, key) = place.unwrap_or_default();
        let mut object = json!({ "Bucket": bucket, "Key": key });
        if let Some(id) = location.and_then(|at| at.object_version_id.as_deref()) {
            object["VersionId"] = json!(id);
        }
        let e_tag = location.and_then(|at| at.e_tag.as_deref()).map(plain);
        if let Some(tag) = &e_tag {
            object["IfMatch"] = json!(format!("\"{tag}\""));
        }
        let fields = manifest.and_then(|manifest| manifest.spec.as_ref()?.fields.as_deref());
        List {
            door,
            object,
            e_tag,
            fields: fields.unwrap_or_default(),
        }
    }

    /// Begins to read, all or a range; answers how many bytes come.
    async fn open(&self, range: Option<(u64, u64)>) -> Result<(i64, Body), Failure> {
        let mut input = self.object.clone();
        if let Some((first, last)) = range {
            input["Range"] = json!(format!("bytes={first}-{last}"));
        }
        let answer = self.door.call("GetObject", &input).await;
        let answer = answer.map_err(|error| match &*error.code {
            "PreconditionFailed" => other_e_tag(),
            code => failure(code, format!("The manifest cannot be read: {}", error.message)),
        })?;
        let told = answer.output.map_or(Json::Null, |output| output.to_json());
        if told["ETag"].as_str().map(plain) != self.e_tag {
            return Err(other_e_tag());
        }
        let length = told["ContentLength"].as_i64().ok_or_else(cut_off)?;
        Ok((length, answer.body.unwrap_or_default()))
    }

    /// Reads past so many objects, or past all of them.
    pub async fn pass(&self, tasks: u64) -> Result<Spot, Failure> {
        let (mut lines, mut done) = (Lines::of(self.fields), 0);
        if tasks == 0 {
            return Ok(Spot::default());
        }
        let (length, mut body) = self.open(None).await?;
        if length > MANIFEST_MAX_BYTES {
            return Err(invalid("The manifest is too long."));
        }
        let mut is_last = false;
        while !is_last {
            match body.frame().await {
                Some(frame) => {
                    let piece = frame.map_err(|_| cut_off())?.into_data().unwrap_or_default();
                    lines.add(&piece);
                }
                None => is_last = true,
            }
            while done < tasks && lines.next(is_last).map_err(invalid)?.is_some() {
                done += 1;
            }
            if done == tasks {
                break;
            }
        }
        Ok(Spot {
            done,
            bytes: lines.passed_bytes(),
        })
    }

    /// The objects of one step, and how far the job has come with them.
    pub async fn next(&self, spot: Spot) -> Result<(Vec<Named>, Spot), Failure> {
        let range = (spot.bytes, spot.bytes.saturating_add(PIECE_BYTES - 1));
        let (_, body) = self.open(Some(range)).await?;
        let piece = body.collect().await.map_err(|_| cut_off())?.to_bytes();
        // What is as long as was asked for may go on; if it does not, the next step reads its last line.
        let is_last = (piece.len() as u64) < PIECE_BYTES;
        let (mut lines, mut objects) = (Lines::of(self.fields), Vec::new());
        lines.add(&piece);
        while objects.len() < TASKS_MAX {
            match lines.next(is_last).map_err(invalid)? {
                Some(object) => objects.push(object),
                None => break,
            }
        }
        if objects.is_empty() {
            return Err(cut_off());
        }
        let after = Spot {
            done: spot.done + objects.len() as u64,
            bytes: spot.bytes + lines.passed_bytes(),
        };
        Ok((objects, after))
    }
}
