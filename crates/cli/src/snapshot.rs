//! `virga snapshot`: saved to a file, loaded from one, looked into.

use crate::args::Parsed;
use crate::client::{Client, encode, read_body, read_head, read_reply, world};
use crate::manage::show;
use crate::{Failure, Program, help, out};
use serde_json::{Value as Json, json};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use virga_base::{Account, Timestamp};
use virga_snapshot::{Summary, summarise};

const PATH: &str = "/_virga/snapshot";

fn file(parsed: &Parsed) -> &Path {
    Path::new(parsed.argument(0).unwrap_or_default())
}

pub(crate) fn help(_: &Program, parsed: &Parsed) -> Result<(), Failure> {
    help::of(parsed.command)
}

pub(crate) fn save(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let mut query = Vec::new();
    if let Some(world) = world(program, parsed)? {
        query.push(format!("world={}", encode(&world)));
    }
    if let Some(account) = parsed.flag("account") {
        Account::parse(account).map_err(|error| Failure::usage(format!("--account: {error}.")))?;
        query.push(format!("account={account}"));
    }
    let path = format!("{PATH}?{}", query.join("&"));
    let client = Client::find(program, parsed)?;
    let file = file(parsed);
    // Whoever has a good file under that name keeps it until there is another.
    let part = PathBuf::from(format!("{}.part", file.display()));
    let fetched = fetch(&client, &path, &part).and_then(|()| check(&part));
    let summary = fetched.and_then(|summary| {
        fs::rename(&part, file).map_err(|error| unwritable(file, &error))?;
        Ok(summary)
    });
    let summary = summary.inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })?;
    let size = fs::metadata(file).map_or(0, |metadata| metadata.len());
    let answer = json!({
        "saved": summary.header.scope,
        "file": file.display().to_string(),
        "file_bytes": size,
        "worlds": summary.worlds.len(),
        "rows": summary.totals.rows,
        "bytes": summary.totals.bytes,
    });
    show(parsed, &answer, || {
        format!(
            "Saved {} to {}: {} in {}.\n",
            summary.header.scope,
            file.display(),
            rows(summary.totals.rows),
            bytes(size)
        )
    })
}

fn unwritable(file: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} cannot be written: {error}.", file.display()))
}

fn fetch(client: &Client, path: &str, part: &Path) -> Result<(), Failure> {
    let stream = client.begin("GET", path, 0)?;
    let mut reader = BufReader::new(stream);
    let head = read_head(&mut reader).map_err(|_| client.stranger())?;
    if head.status != 200 {
        let mut text = Vec::new();
        read_body(&mut reader, &head, &mut text).map_err(|error| client.broke(&error))?;
        client.accept(head.status, String::from_utf8_lossy(&text).into_owned())?;
        return Err(client.stranger());
    }
    let out = File::create(part).map_err(|error| unwritable(part, &error))?;
    let mut out = BufWriter::new(out);
    read_body(&mut reader, &head, &mut out).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => unwritable(part, &error),
        _ => client.broke(&error),
    })?;
    let written = out.into_inner().map_err(io::IntoInnerError::into_error);
    let written = written.and_then(|file| file.sync_all());
    written.map_err(|error| unwritable(part, &error))
}

fn open(file: &Path) -> Result<File, Failure> {
    File::open(file).map_err(|error| Failure::usage(format!("{} cannot be read: {error}.", file.display())))
}

fn check(file: &Path) -> Result<Summary, Failure> {
    let summary = summarise(BufReader::with_capacity(1 << 18, open(file)?));
    summary.map_err(|error| Failure::refused(format!("{}: {error}.", file.display())))
}

pub(crate) fn load(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let file = file(parsed);
    let mut query = Vec::new();
    if let Some(name) = parsed.flag("as") {
        query.push(format!("as={}", encode(name)));
    }
    if parsed.has("replace") {
        query.push("replace=true".to_owned());
    }
    let input = open(file)?;
    let length = input.metadata().map(|metadata| metadata.len());
    let length = length.map_err(|error| Failure::usage(format!("{} cannot be read: {error}.", file.display())))?;
    let client = Client::find(program, parsed)?;
    let mut stream = client.begin("POST", &format!("{PATH}?{}", query.join("&")), length)?;
    // A refusal may come before all is sent; it says more than that the sending failed.
    let sent = io::copy(&mut io::Read::take(input, length), &mut stream).and_then(|_| stream.flush());
    if sent.is_err() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let reply = read_reply(&mut BufReader::new(stream), false);
    let reply = reply.map_err(|error| client.broke(sent.as_ref().err().unwrap_or(&error)))?;
    let text = client.accept(reply.status, String::from_utf8_lossy(&reply.body).into_owned())?;
    let answer: Json = serde_json::from_str(&text).map_err(|_| client.stranger())?;
    show(parsed, &answer, || {
        let count = |name: &str| answer.get(name).and_then(Json::as_u64).unwrap_or(0);
        let worlds = answer.get("worlds").and_then(Json::as_array);
        let worlds: Vec<&str> = worlds.into_iter().flatten().filter_map(Json::as_str).collect();
        format!(
            "Loaded {} into the {} {}.\n",
            rows(count("rows")),
            if worlds.len() == 1 { "world" } else { "worlds" },
            worlds.join(", ")
        )
    })
}

pub(crate) fn inspect(_: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let summary = check(file(parsed))?;
    let header = &summary.header;
    let answer = json!({
        "virga": header.virga,
        "form": virga_snapshot::FORM,
        "made_at": header.made_at().to_iso8601_millis(),
        "scope": header.scope,
        "engine": header.engine,
        "rows": summary.totals.rows,
        "bytes": summary.totals.bytes,
        "worlds": summary.worlds.iter().map(|world| json!({
            "name": world.name,
            "now": Timestamp::from_millis(world.end.now_ms).to_iso8601_millis(),
            "clock": match world.end.clock {
                None => json!("real"),
                Some(clock) => clock.rate.map_or_else(|| json!("frozen"), |rate| json!({"rate": rate})),
            },
            "parent": world.end.parent,
            "rows": world.end.rows,
            "bytes": world.end.bytes,
            "tables": world.groups.iter().map(|(group, (rows, bytes))| json!({
                "table": table(&summary, group.table),
                "account": group.account.map(|account| account.to_string()),
                "region": group.region,
                "rows": rows,
                "bytes": bytes,
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    show(parsed, &answer, || describe(&summary))
}

fn table(summary: &Summary, number: u16) -> String {
    let name = summary.header.tables.get(&number).cloned();
    name.unwrap_or_else(|| format!("{number:#06x}"))
}

fn describe(summary: &Summary) -> String {
    let header = &summary.header;
    let mut text = format!(
        "A snapshot of {}, made by Virga {} at {}: {}, whole and undamaged.\n",
        header.scope,
        header.virga,
        header.made_at().to_iso8601_millis(),
        rows(summary.totals.rows)
    );
    for world in &summary.worlds {
        let clock = match world.end.clock.map(|clock| clock.rate) {
            None => "running".to_owned(),
            Some(None) => "frozen".to_owned(),
            Some(Some(rate)) => format!("running at rate {rate}, moved"),
        };
        text.push_str(&format!(
            "\nWorld {}: {}, its clock {clock} at {}.\n",
            world.name,
            rows(world.end.rows),
            Timestamp::from_millis(world.end.now_ms).to_iso8601_millis()
        ));
        if world.groups.is_empty() {
            continue;
        }
        let mut lines = vec![
            ["ACCOUNT", "REGION", "TABLE", "ROWS", "BYTES"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for (group, (rows, bytes)) in &world.groups {
            lines.push(vec![
                group
                    .account
                    .map_or_else(|| "-".to_owned(), |account| account.to_string()),
                if group.region.is_empty() {
                    "-".to_owned()
                } else {
                    group.region.clone()
                },
                table(summary, group.table),
                rows.to_string(),
                bytes.to_string(),
            ]);
        }
        text.push_str(&out::table(&lines));
    }
    text
}

fn rows(count: u64) -> String {
    if count == 1 {
        "1 row".to_owned()
    } else {
        format!("{count} rows")
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} bytes"),
        10_000..10_000_000 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}
