//! `virga start --data`: what was answered is there after a stop, a kill and a full disk, and whoever cannot have the folder
//! is told why.

mod load;
mod server;

use load::Crash;
use serde_json::json;
use server::{Client, Refused, Server};
use std::path::{Path, PathBuf};
use std::process::Command;

const LIVES: u64 = 12;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_virga"))
}

/// An empty folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keeping-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(folder: &Folder) -> Result<Server, String> {
    Server::start(server::command(program(), &folder.0), &folder.0)
}

fn send(client: &mut Client, body: &str) -> Result<(), Refused> {
    let input = json!({"QueueUrl": "http://localhost:4566/000000000000/mail", "MessageBody": body});
    client.sqs("SendMessage", &input).map(drop)
}

fn receive(client: &mut Client) -> Result<Vec<String>, Refused> {
    let input = json!({"QueueUrl": "http://localhost:4566/000000000000/mail", "MaxNumberOfMessages": 10});
    let answer = client.sqs("ReceiveMessage", &input)?;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    Ok(messages
        .iter()
        .map(|message| message["Body"].as_str().unwrap_or_default().to_owned())
        .collect())
}

#[test]
fn what_was_sent_is_there_after_a_stop_and_after_a_kill() -> Outcome {
    let folder = Folder::new("restart");
    let server = start(&folder)?;
    let mut client = server.client();
    client.sqs("CreateQueue", &json!({"QueueName": "mail"}))?;
    send(&mut client, "before the stop")?;
    server.stop()?;
    let mut server = start(&folder)?;
    send(&mut server.client(), "before the kill")?;
    server.kill();
    let server = start(&folder)?;
    let mut found = receive(&mut server.client())?;
    found.sort();
    assert_eq!(found, ["before the kill", "before the stop"]);
    Ok(())
}

#[test]
fn worlds_are_there_after_a_kill() -> Outcome {
    let folder = Folder::new("worlds");
    let names = |client: &mut Client| -> Result<Vec<String>, String> {
        let health = client.get("/_virga/worlds")?;
        let worlds = health["worlds"].as_array().cloned().unwrap_or_default();
        Ok(worlds
            .iter()
            .map(|world| world["name"].as_str().unwrap_or_default().to_owned())
            .collect())
    };
    let mut server = start(&folder)?;
    let mut client = server.client();
    client.sqs("CreateQueue", &json!({"QueueName": "mail"}))?;
    send(&mut client, "for all")?;
    for name in ["stays", "goes"] {
        client.ask("/_virga/worlds", &json!({"name": name}))?;
    }
    send(&mut client, "for the first")?;
    let mut other = server.client().in_world("stays");
    send(&mut other, "for the fork")?;
    other.ask("/_virga/worlds", &json!({"name": "nested"}))?;
    client.delete("/_virga/worlds/goes")?;
    server.kill();

    let mut server = start(&folder)?;
    assert_eq!(names(&mut server.client())?.len(), 3);
    for (world, expected) in [
        ("stays", ["for all", "for the fork"]),
        ("nested", ["for all", "for the fork"]),
    ] {
        let mut found = receive(&mut server.client().in_world(world))?;
        found.sort();
        assert_eq!(found, expected, "{world}");
    }
    server.client().delete("/_virga/worlds/stays")?;
    server.kill();

    let server = start(&folder)?;
    assert_eq!(names(&mut server.client())?.len(), 2);
    let mut found = receive(&mut server.client())?;
    found.sort();
    assert_eq!(found, ["for all", "for the first"]);
    server.stop()?;
    Ok(())
}

#[test]
fn a_kill_under_load_loses_nothing() -> Outcome {
    let folder = Folder::new("crash");
    let mut crash = Crash::new(program(), &folder.0);
    for life in 0..LIVES {
        crash.live_and_die().map_err(|why| format!("life {life}: {why}"))?;
    }
    crash.check_at_end()?;
    let tally = &crash.tally;
    assert_eq!((tally.lost, tally.extra), (0, 0), "{tally:?}");
    assert!(tally.acknowledged > LIVES * 20, "{tally:?}");
    Ok(())
}

#[test]
fn a_second_process_on_the_folder_is_refused() -> Outcome {
    let folder = Folder::new("second");
    let first = start(&folder)?;
    let second = server::command(program(), &folder.0).output()?;
    let why = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!((second.status.code(), why.lines().count()), (Some(2), 1), "{why}");
    assert!(why.contains("is using it") && why.contains("another folder"), "{why}");
    first.stop()?;
    let form = folder.0.join("state/virga-data");
    std::fs::write(&form, "999")?;
    let newer = server::command(program(), &folder.0).output()?;
    let why = String::from_utf8_lossy(&newer.stderr).into_owned();
    assert_eq!((newer.status.code(), why.lines().count()), (Some(2), 1), "{why}");
    assert!(why.contains("Use the newer Virga"), "{why}");
    Ok(())
}

#[test]
fn a_damaged_folder_is_refused() -> Outcome {
    let folder = Folder::new("damaged");
    start(&folder)?.stop()?;
    std::fs::write(folder.0.join("state/rows.redb"), "nothing of the kind")?;
    let refused = server::command(program(), &folder.0).output()?;
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), why.lines().count()), (Some(2), 1), "{why}");
    assert!(
        why.contains("cannot open the data folder") && why.contains("from a copy"),
        "{why}"
    );
    Ok(())
}

/// Files that may not grow beyond a limit look to Virga as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_refuses_writes_in_the_clients_protocol_and_serves_reads() -> Outcome {
    let folder = Folder::new("full");
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$0\" \"$@\""]);
    let plain = server::command(program(), &folder.0);
    command.arg(plain.get_program()).args(plain.get_args());
    server::clean(&mut command);
    let mut server = Server::start(command, &folder.0)?;
    let mut client = server.client();
    client.sqs("CreateQueue", &json!({"QueueName": "mail"}))?;
    let mut sent = 0;
    let refused = loop {
        match send(&mut client, &format!("{sent:05}{}", "x".repeat(200_000))) {
            Ok(()) => sent += 1,
            Err(refused) => break refused,
        }
        assert!(sent < 200, "the disk never became full");
    };
    assert_eq!(refused.0, 503, "{}", refused.1);
    assert!(refused.1.contains("ServiceUnavailable"), "{}", refused.1);
    let body = "x".repeat(200_000);
    let queue = "http%3A%2F%2Flocalhost%3A4566%2F000000000000%2Fmail";
    let refused = client.sqs_by_query(&format!("Action=SendMessage&QueueUrl={queue}&MessageBody={body}"));
    let Err(Refused(503, answer)) = refused else {
        return Err(format!("{refused:?}").into());
    };
    assert!(answer.contains("<Code>ServiceUnavailable</Code>"), "{answer}");
    let attributes = json!({"QueueUrl": "http://localhost:4566/000000000000/mail", "AttributeNames": ["All"]});
    let attributes = client.sqs("GetQueueAttributes", &attributes)?;
    assert_eq!(
        attributes["Attributes"]["ApproximateNumberOfMessages"],
        sent.to_string()
    );
    server.kill();

    let server = start(&folder)?;
    let mut client = server.client();
    let mut found = Vec::new();
    loop {
        let some = receive(&mut client)?;
        if some.is_empty() {
            break;
        }
        found.extend(some.iter().map(|body| body[..5].to_owned()));
    }
    found.sort();
    let expected: Vec<_> = (0..sent).map(|n| format!("{n:05}")).collect();
    assert_eq!(found, expected);
    Ok(())
}
