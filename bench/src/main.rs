//! `virga-bench VIRGA BARE FILL [--quick] [--only PART]`: measures the program against a bare server of the same HTTP stack.
//! `virga-bench --train VIRGA` only runs the loads (see `train`).
//! The parts are `sizes`, `throughput`, `durable`, `starts`, `depth`, `objects`, `dynamodb` and `dynamodb-depth`.
//!
//! All is done in one run on loopback, in turns, so that what disturbs one disturbs the other. Figures are ratios; the
//! absolute ones are printed for orientation only. `cargo xtask bench` builds everything and calls this.

mod durable;
mod load;
mod objects;
mod queue;
mod report;
mod server;
mod table;
mod train;

use load::Measured;
use report::Report;
use server::Server;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const PARTS: &[&str] = &[
    "sizes",
    "throughput",
    "durable",
    "starts",
    "depth",
    "objects",
    "dynamodb",
    "dynamodb-depth",
];

/// Seconds of one turn of one server. Many short turns in alternation, of which the median counts: what disturbs the
/// machine for a while then disturbs both, or few of them.
const TURN_S: f64 = 0.25;

/// What the command line asks for.
struct Plan {
    virga: PathBuf,
    bare: PathBuf,
    /// Makes data folders.
    fill: PathBuf,
    seconds: f64,
    rounds: usize,
    turns: usize,
    messages: u64,
    /// Of a table.
    items: u64,
    /// Of the data folder to start with.
    data_bytes: u64,
    /// Of the bucket of very many keys, and of the body that streams.
    keys: usize,
    body_bytes: u64,
    /// The one part to run.
    only: Option<String>,
}

fn plan() -> Result<Plan, String> {
    let mut paths = Vec::new();
    let (mut quick, mut only) = (false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--only" => {
                let part = arguments.next().filter(|part| PARTS.contains(&part.as_str()));
                only = Some(part.ok_or_else(|| format!("--only needs one of {}", PARTS.join(", ")))?);
            }
            other if other.starts_with('-') => return Err(format!("unknown option {other}")),
            path => paths.push(PathBuf::from(path)),
        }
    }
    let [virga, bare, fill] = <[PathBuf; 3]>::try_from(paths)
        .map_err(|_| "usage: virga-bench VIRGA BARE FILL [--quick] [--only PART]".to_owned())?;
    let (seconds, rounds, turns, messages, items, data_bytes) = if quick {
        (0.5, 3, 15, 50_000, 100_000, 100_000_000)
    } else {
        (2.0, 5, 41, 1_000_000, 5_000_000, 1_000_000_000)
    };
    let (keys, body_bytes) = if quick {
        (100_000, 500_000_000)
    } else {
        (1_000_000, 5_000_000_000)
    };
    Ok(Plan {
        virga,
        bare,
        fill,
        seconds,
        rounds,
        turns,
        messages,
        items,
        data_bytes,
        keys,
        body_bytes,
        only,
    })
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let words: Vec<String> = std::env::args().skip(1).collect();
        if let [option, program] = &words[..]
            && option == "--train"
        {
            return runtime
                .block_on(train::run(program.as_ref()))
                .map(|()| Report::default());
        }
        runtime.block_on(run(&plan()?))
    });
    match outcome {
        Ok(report) => {
            report.print();
            if report.reached() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(why) => {
            eprintln!("virga-bench: {why}");
            ExitCode::from(2)
        }
    }
}

async fn run(plan: &Plan) -> Result<Report, String> {
    let mut report = Report::default();
    let is_asked = |part: &str| plan.only.as_ref().is_none_or(|only| only == part);
    if is_asked("sizes") {
        sizes(plan, &mut report).await?;
    }
    if is_asked("throughput") {
        throughput(plan, &mut report).await?;
    }
    if is_asked("durable") {
        durable::sends(&plan.virga, plan.seconds, plan.rounds, &mut report).await?;
    }
    if is_asked("starts") {
        durable::starts(&plan.virga, &plan.fill, plan.data_bytes, &mut report).await?;
    }
    if is_asked("depth") {
        queue::depth(&plan.virga, plan.messages, plan.seconds, &mut report).await?;
    }
    if is_asked("dynamodb") {
        table::throughput(&plan.virga, &plan.bare, plan.turns, TURN_S, &mut report).await?;
    }
    if is_asked("dynamodb-depth") {
        table::depth(&plan.virga, plan.items, plan.rounds, plan.seconds, &mut report).await?;
    }
    if is_asked("objects") {
        let size = objects::Size {
            seconds: TURN_S,
            turns: plan.turns,
            keys: plan.keys,
            body_bytes: plan.body_bytes,
        };
        objects::all(&plan.virga, &size, &mut report).await?;
    }
    Ok(report)
}

async fn sizes(plan: &Plan, report: &mut Report) -> Result<(), String> {
    let mut starts = Vec::new();
    for _ in 0..15 {
        let (server, first_answer) = Server::start_virga(&plan.virga).await?;
        starts.push(first_answer.as_secs_f64() * 1000.0);
        drop(server);
    }
    report.at_most(
        "start to first answer, ms (median of 15)",
        report::median(&mut starts),
        20.0,
    );
    let (server, _) = Server::start_virga(&plan.virga).await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    report.at_most(
        "idle memory, MiB (resident)",
        server.resident_bytes()? as f64 / 1_048_576.0,
        15.0,
    );
    let size = std::fs::metadata(&plan.virga).map_err(|error| error.to_string())?.len();
    report.at_most("release binary, MB", size as f64 / 1e6, 25.0);
    Ok(())
}

/// One kind of request, sent to both servers.
struct Case {
    name: &'static str,
    requests: Vec<Vec<u8>>,
    at_least: f64,
}

async fn throughput(plan: &Plan, report: &mut Report) -> Result<(), String> {
    let (virga, _) = Server::start_virga(&plan.virga).await?;
    let bare = Server::start_bare(&plan.bare).await?;
    let queue = queue::create(&virga, "bench").await?;
    let cases = [
        Case {
            name: "STS GetCallerIdentity",
            requests: vec![load::caller_identity()],
            at_least: 0.75,
        },
        Case {
            name: "SQS SendMessage, 256 B",
            requests: vec![queue::send_request(&queue, 256)],
            at_least: 0.6,
        },
    ];
    for case in &cases {
        let (mut ratios, mut tails) = (Vec::new(), Vec::new());
        let (mut our_rates, mut base_rates) = (Vec::new(), Vec::new());
        for _ in 0..plan.turns {
            let base = measure(&bare, case, TURN_S).await?;
            let ours = measure(&virga, case, TURN_S).await?;
            ratios.push(ours.per_second / base.per_second);
            tails.push(ours.p99_us / base.p99_us);
            our_rates.push(ours.per_second);
            base_rates.push(base.per_second);
        }
        let (ours, base) = (report::median(&mut our_rates), report::median(&mut base_rates));
        report.at_least(
            &format!("{}: requests/s over bare", case.name),
            report::median(&mut ratios),
            case.at_least,
        );
        report.at_most(
            &format!("{}: p99 over bare's", case.name),
            report::median(&mut tails),
            3.0,
        );
        report.note(format!("{}: {ours:.0}/s, bare server {base:.0}/s", case.name));
        queue::purge(&virga, &queue).await?;
    }
    let mut ratios = Vec::new();
    let mut last = (0.0, 0.0);
    let bare_case = Case {
        name: "bare",
        requests: vec![queue::send_request(&queue, 256)],
        at_least: 0.0,
    };
    for _ in 0..plan.turns {
        let base = measure(&bare, &bare_case, TURN_S).await?;
        let cycles = queue::cycles(&virga, &queue, TURN_S).await?;
        ratios.push(cycles / base.per_second);
        last = (cycles, base.per_second);
    }
    report.at_least(
        "SQS send-receive-delete: cycles/s over bare's requests/s",
        report::median(&mut ratios),
        0.15,
    );
    report.note(format!(
        "SQS cycle: {:.0}/s, bare server {:.0} requests/s",
        last.0, last.1
    ));
    Ok(())
}

async fn measure(server: &Server, case: &Case, seconds: f64) -> Result<Measured, String> {
    load::measure(server.address, &case.requests, seconds).await
}
