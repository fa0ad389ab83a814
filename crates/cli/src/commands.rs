//! Every command, declared once.

use crate::args::{Flag, Parsed, parse};
use crate::{Failure, Program, calls, env, help, manage, replay, snapshot, start, watch, worlds};

/// A positional argument.
#[derive(Debug)]
pub(crate) struct Argument {
    pub name: &'static str,
    pub required: bool,
    pub text: &'static str,
}

/// A command line to copy, and what it does.
#[derive(Debug)]
pub(crate) struct Example(pub &'static str, pub &'static str);

/// A command.
pub(crate) struct Command {
    /// One or two words.
    pub name: &'static str,
    /// For the list of commands.
    pub summary: &'static str,
    /// Further sentences for the command's own help.
    pub about: &'static str,
    pub arguments: &'static [Argument],
    pub flags: &'static [Flag],
    /// Whether every setting of the server is a flag.
    pub takes_settings: bool,
    /// The global flags that it takes besides `--help`.
    pub global: &'static [&'static str],
    pub examples: &'static [Example],
    pub run: fn(&Program, &Parsed) -> Result<(), Failure>,
}

impl Command {
    pub(crate) fn takes(&self, global: &str) -> bool {
        global == "help" || self.global.contains(&global)
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn flag(name: &'static str, value: Option<&'static str>, text: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        value,
        choices: &[],
        text,
    }
}

/// Flags of many commands.
pub(crate) const GLOBAL_FLAGS: &[Flag] = &[
    flag(
        "endpoint",
        Some("URL"),
        "The running Virga; else VIRGA_ENDPOINT, else http://127.0.0.1:4566.",
    ),
    flag(
        "world",
        Some("NAME"),
        "The world to act in; else VIRGA_WORLD, else the one of the endpoint.",
    ),
    Flag {
        name: "output",
        short: None,
        value: Some("FORM"),
        choices: &["text", "json"],
        text: "text for people (the default) or json for programs.",
    },
    Flag {
        name: "help",
        short: Some('h'),
        value: None,
        choices: &[],
        text: "Show this help.",
    },
];

const CLIENT: &[&str] = &["endpoint", "output"];
const IN_WORLD: &[&str] = &["endpoint", "output", "world"];

const CONFIG: Flag = flag(
    "config",
    Some("FILE"),
    "The settings file; else VIRGA_CONFIG, else virga.toml in the current folder.",
);

const STEPS: Flag = flag(
    "steps-max",
    Some("N"),
    "Give up after so many pieces of due work (default 1000000): work may cause itself anew without end.",
);

const FILE: Argument = Argument {
    name: "FILE",
    required: true,
    text: "the snapshot's file.",
};

/// A command without anything special, for others to start from.
const PLAIN: Command = Command {
    name: "",
    summary: "",
    about: "",
    arguments: &[],
    flags: &[],
    takes_settings: false,
    global: CLIENT,
    examples: &[],
    run: help::help,
};

/// All commands, in the order of help.
pub(crate) const COMMANDS: &[Command] = &[
    Command {
        name: "start",
        summary: "Start Virga here; Ctrl-C stops it.",
        about: "One port serves HTTP and HTTPS. State is in memory and gone when Virga stops, or with --data \
                DIR kept in that folder.\n\
                Every flag below but --detach and --config is also a setting: VIRGA_PORT in the environment, or port in \
                virga.toml. `virga settings` shows which value holds and why.",
        flags: &[
            flag(
                "detach",
                None,
                "Start in the background, wait until it answers, and return.",
            ),
            CONFIG,
        ],
        takes_settings: true,
        global: &[],
        examples: &[
            Example("virga start", "listen on http://127.0.0.1:4566"),
            Example(
                "virga start --detach --data .virga",
                "in the background, with everything kept in .virga",
            ),
            Example(
                "virga start --port 0 --seed 7",
                "on any free port, with the same ids every time",
            ),
        ],
        run: start::start,
        ..PLAIN
    },
    Command {
        name: "stop",
        summary: "Stop a running Virga once the calls under way are answered.",
        examples: &[Example("virga stop", "")],
        run: manage::stop,
        ..PLAIN
    },
    Command {
        name: "status",
        summary: "Show whether Virga runs, its time and its services.",
        examples: &[Example("virga status --output json", "for programs")],
        run: manage::status,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "env",
        summary: "Print what points AWS clients at Virga.",
        about: "Prints variables for a shell to take over. They are read by the AWS CLI, every AWS SDK, Terraform and CDK.",
        flags: &[
            Flag {
                name: "shell",
                short: None,
                value: Some("SHELL"),
                choices: env::SHELLS,
                text: "bash, zsh, fish, powershell or cmd; else the one in use.",
            },
            flag("region", Some("REGION"), "The region to work in (default us-east-1)."),
            flag(
                "account",
                Some("ID"),
                "The account to work in, twelve digits (default 000000000000).",
            ),
        ],
        global: &["endpoint", "world"],
        examples: &[
            Example("eval \"$(virga env)\"", "bash and zsh"),
            Example("virga env --shell fish | source", "fish"),
            Example("virga env | Invoke-Expression", "PowerShell"),
            Example("virga env --account 111122223333", "work in another account"),
            Example("eval \"$(virga env --world test-1)\"", "work in another world"),
        ],
        run: env::env,
        ..PLAIN
    },
    Command {
        name: "reset",
        summary: "Empty the cloud, or one world: no resources, the machine's time.",
        examples: &[
            Example("virga reset", "the first world; others stay"),
            Example("virga reset --world test-1", "that world"),
        ],
        run: manage::reset,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time",
        summary: "Show the cloud's clock.",
        about: "The cloud has its own clock. Everything that waits (delays, timeouts, schedules, expiry) waits by it.",
        examples: &[
            Example("virga time", ""),
            Example("virga time freeze --at 2026-01-01", "stand still at the new year"),
            Example(
                "virga time advance 1d12h",
                "let a day and a half pass, with all that falls due",
            ),
        ],
        run: manage::time_show,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time freeze",
        summary: "Stop the clock, here or at a time.",
        flags: &[flag(
            "at",
            Some("TIME"),
            "Where to stand, such as 2026-11-21T10:00:00Z or 2026-11-21.",
        )],
        examples: &[
            Example("virga time freeze", ""),
            Example("virga time freeze --at 2026-01-01", ""),
        ],
        run: manage::time_freeze,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time set",
        summary: "Move the clock to a time, forwards or back.",
        about: "What falls due on the way runs at the new time; `virga time advance` runs each at its own.",
        arguments: &[Argument {
            name: "TIME",
            required: true,
            text: "a time such as 2026-11-21T10:00:00Z, 2026-11-21 or seconds since 1970.",
        }],
        examples: &[Example("virga time set 2026-11-21T10:00:00Z", "")],
        run: manage::time_set,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time advance",
        summary: "Let time pass at once, with all that falls due on the way.",
        arguments: &[Argument {
            name: "DURATION",
            required: true,
            text: "a duration such as 90s, 2h or 1d12h.",
        }],
        flags: &[STEPS],
        examples: &[
            Example("virga time advance 90s", ""),
            Example("virga time advance 14d", "messages older than their retention are gone"),
        ],
        run: manage::time_advance,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time run",
        summary: "Let the clock run on, at any rate.",
        flags: &[flag(
            "rate",
            Some("RATE"),
            "Seconds of the cloud per second of the machine (default 1).",
        )],
        examples: &[
            Example("virga time run", "ordinary time from here on"),
            Example("virga time run --rate 60", "a minute in every second"),
        ],
        run: manage::time_run,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time settle",
        summary: "Run all work that is due now, with what it causes.",
        flags: &[STEPS],
        examples: &[Example("virga time settle", "")],
        run: manage::time_settle,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "time reset",
        summary: "Back to the machine's time.",
        examples: &[Example("virga time reset", "")],
        run: manage::time_reset,
        global: IN_WORLD,
        ..PLAIN
    },
    Command {
        name: "world",
        summary: "List all worlds.",
        about: "A world is a whole cloud. A fork begins as a copy of another world, in microseconds, and goes its own way: \
                seed one, fork it for each test.\n\
                Clients choose a world by the host of their endpoint, http://NAME.localhost:4566, or by the header \
                x-virga-world.",
        examples: &[
            Example("virga world", ""),
            Example("virga world fork test-1", "a copy of the first world"),
        ],
        run: worlds::list,
        ..PLAIN
    },
    Command {
        name: "world list",
        summary: "List all worlds.",
        examples: &[Example("virga world list --output json", "for programs")],
        run: worlds::list,
        ..PLAIN
    },
    Command {
        name: "world fork",
        summary: "Make a world that begins as a copy of another.",
        about: "It has the other's resources, its clock and its due work; from then on they have nothing in common.",
        arguments: &[Argument {
            name: "NAME",
            required: true,
            text: "the new world's name: lowercase letters, digits and hyphens.",
        }],
        flags: &[
            flag("from", Some("WORLD"), "The world to copy (default main)."),
            flag(
                "ttl",
                Some("DURATION"),
                "Drop it after so much time without a request, such as 10m.",
            ),
            flag(
                "replace",
                None,
                "Drop the world that has the name already, if there is one.",
            ),
        ],
        examples: &[
            Example("virga world fork test-1", ""),
            Example(
                "virga world fork test-1 --replace --ttl 10m",
                "afresh, and gone when forgotten",
            ),
            Example("virga world fork test-1-b --from test-1", ""),
        ],
        run: worlds::fork,
        ..PLAIN
    },
    Command {
        name: "world drop",
        summary: "Drop a world with all that is in it.",
        arguments: &[Argument {
            name: "NAME",
            required: true,
            text: "the world.",
        }],
        examples: &[Example("virga world drop test-1", "")],
        run: worlds::drop_world,
        ..PLAIN
    },
    Command {
        name: "world diff",
        summary: "Show what two worlds do not have alike.",
        about: "-: only in A, +: only in B, ~: in both, but changed.",
        arguments: &[
            Argument {
                name: "A",
                required: true,
                text: "a world.",
            },
            Argument {
                name: "B",
                required: true,
                text: "another world.",
            },
        ],
        flags: &[flag(
            "limit",
            Some("N"),
            "List at most so many rows (default 100); all are counted.",
        )],
        examples: &[Example("virga world diff main test-1", "what a test has changed")],
        run: worlds::diff,
        ..PLAIN
    },
    Command {
        name: "snapshot",
        summary: "Save the cloud to a file, load it, look into it.",
        about: "A snapshot is one file with a whole cloud, one world or one account: its resources, its clock, its due work. It \
                loads into any Virga, in memory, on disk or in a database.",
        examples: &[
            Example("virga snapshot save cloud.snap", ""),
            Example("virga snapshot load cloud.snap", ""),
            Example("virga snapshot inspect cloud.snap", ""),
        ],
        global: &[],
        run: snapshot::help,
        ..PLAIN
    },
    Command {
        name: "snapshot save",
        summary: "Save all worlds, one world or one account to a file.",
        about: "Calls go on meanwhile; the file holds each world as it was at one moment.",
        arguments: &[FILE],
        flags: &[flag(
            "account",
            Some("ID"),
            "One account only, twelve digits, of the world (main unless another is named).",
        )],
        global: IN_WORLD,
        examples: &[
            Example("virga snapshot save cloud.snap", "all worlds"),
            Example("virga snapshot save seed.snap --world main", "one world"),
            Example(
                "virga snapshot save a.snap --account 111122223333",
                "one account of the world main",
            ),
        ],
        run: snapshot::save,
        ..PLAIN
    },
    Command {
        name: "snapshot load",
        summary: "Load a file that was saved.",
        about: "A file that is damaged or not whole is refused, and nothing is changed. Where there are resources already, \
                --replace gives them up for those of the file: all worlds for a cloud's, one world's for a world's, one \
                account's for an account's.",
        arguments: &[FILE],
        flags: &[
            flag(
                "as",
                Some("WORLD"),
                "The world to load into, new or not; else the one that was saved.",
            ),
            flag("replace", None, "Give up what is there."),
        ],
        examples: &[
            Example("virga snapshot load cloud.snap", "into an empty Virga"),
            Example("virga snapshot load seed.snap --as test-1", "as a new world"),
            Example(
                "virga snapshot load seed.snap --replace",
                "in place of what the world has now",
            ),
        ],
        run: snapshot::load,
        ..PLAIN
    },
    Command {
        name: "snapshot inspect",
        summary: "Check a file and show what is in it.",
        about: "Needs no running Virga.",
        arguments: &[FILE],
        global: &["output"],
        examples: &[Example(
            "virga snapshot inspect cloud.snap --output json",
            "for programs",
        )],
        run: snapshot::inspect,
        ..PLAIN
    },
    Command {
        name: "logs",
        summary: "Show the last calls.",
        flags: &[
            Flag {
                name: "follow",
                short: Some('f'),
                value: None,
                choices: &[],
                text: "Show new calls as they come.",
            },
            flag("service", Some("NAME"), "Only calls of this service."),
            flag("operation", Some("NAME"), "Only calls of this operation."),
            flag(
                "status",
                Some("STATUS"),
                "Only answers with this status: 404, 4xx, ok or error.",
            ),
            flag(
                "since",
                Some("WHEN"),
                "Only calls since a time, or in the last 5m, 2h, …",
            ),
            flag("limit", Some("N"), "At most so many of the last calls (default 100)."),
        ],
        examples: &[
            Example("virga logs --follow", ""),
            Example("virga logs --service sqs --status error", "what failed in SQS"),
            Example("virga logs --output json", "one JSON object per line"),
        ],
        run: watch::logs,
        ..PLAIN
    },
    Command {
        name: "calls",
        summary: "Show the journal: every call, what it sent, how it ended; or save it.",
        about: "Virga keeps the last 5,000 calls, and up to 16 MiB of what they sent and were answered. Moves of the clock, \
                resets and forks of worlds stand among them as calls of virga.",
        flags: &[
            flag("service", Some("NAME"), "Only calls of this service."),
            flag("operation", Some("NAME"), "Only calls of this operation."),
            flag(
                "status",
                Some("STATUS"),
                "Only answers with this status: 404, 4xx, ok or error.",
            ),
            flag("error", Some("CODE"), "Only calls that failed with this code."),
            flag("account", Some("ID"), "Only calls in this account."),
            flag("region", Some("REGION"), "Only calls in this region."),
            flag("world", Some("NAME"), "Only calls in this world; main is the first."),
            flag(
                "since",
                Some("WHEN"),
                "Only calls since a time, or in the last 5m, 2h, …",
            ),
            flag("request-id", Some("ID"), "Only the call with this request id."),
            flag(
                "limit",
                Some("N"),
                "Show at most so many of the last calls (default 50).",
            ),
            Flag {
                name: "follow",
                short: Some('f'),
                value: None,
                choices: &[],
                text: "Show, or save, new calls as they come.",
            },
            flag(
                "body",
                None,
                "Show what each call sent, as JSON, whatever its protocol.",
            ),
            flag(
                "save",
                Some("FILE"),
                "Write the calls to a file for `virga replay`, all that are kept.",
            ),
        ],
        examples: &[
            Example("virga calls --status error --body", "what failed, and what it sent"),
            Example("virga calls --save failure.jsonl", "to send them again"),
            Example("virga calls --follow --save session.jsonl", "more than Virga keeps"),
        ],
        run: calls::calls,
        ..PLAIN
    },
    Command {
        name: "replay",
        summary: "Send the calls of a saved journal again, and tell what ends otherwise.",
        about: "A call ends as recorded with the same status and error code. Where the server makes other ids than it did then, \
                they take the recorded ones' places in later calls; with the same seed and times they are the same. The \
                clock follows the recorded times where it stands still. Exit code 1 if anything ended otherwise.",
        arguments: &[Argument {
            name: "FILE",
            required: true,
            text: "what `virga calls --save FILE` wrote.",
        }],
        flags: &[
            flag(
                "world",
                Some("NAME"),
                "Send all calls to this world, not to those they were recorded in.",
            ),
            flag(
                "time",
                None,
                "Freeze the clock, and set it to each call's time before it.",
            ),
        ],
        examples: &[
            Example("virga replay failure.jsonl", ""),
            Example("virga replay failure.jsonl --time --world attempt-2", ""),
        ],
        run: replay::replay,
        ..PLAIN
    },
    Command {
        name: "cert",
        summary: "Print the TLS certificate, for clients to trust.",
        global: &["endpoint"],
        examples: &[Example(
            "virga cert > virga.pem && export AWS_CA_BUNDLE=$PWD/virga.pem",
            "",
        )],
        run: watch::certificate,
        ..PLAIN
    },
    Command {
        name: "fidelity",
        summary: "Show how real each service is, or each operation of one.",
        about: "full: behaves as AWS does. stored: keeps and returns what it is given, without effect. none: answers 501.",
        arguments: &[Argument {
            name: "SERVICE",
            required: false,
            text: "a service's name, such as sqs.",
        }],
        flags: &[flag("all", None, "Also the services of AWS that are not built.")],
        examples: &[Example("virga fidelity", ""), Example("virga fidelity sqs", "")],
        run: watch::fidelity,
        ..PLAIN
    },
    Command {
        name: "settings",
        summary: "Show every setting, its value and where it comes from.",
        flags: &[
            CONFIG,
            Flag {
                name: "output",
                short: None,
                value: Some("FORM"),
                choices: &["text", "json", "markdown"],
                text: "text for people (the default), json for programs, or markdown: the page of all settings.",
            },
        ],
        global: &[],
        examples: &[Example("virga settings", "")],
        run: start::settings,
        ..PLAIN
    },
    Command {
        name: "version",
        summary: "Print the version.",
        global: &["output"],
        run: help::version,
        ..PLAIN
    },
    Command {
        name: "help",
        summary: "Show help, for a command if one is named.",
        arguments: &[
            Argument {
                name: "COMMAND",
                required: false,
                text: "a command.",
            },
            Argument {
                name: "ACTION",
                required: false,
                text: "its second word.",
            },
        ],
        global: &[],
        ..PLAIN
    },
];

/// The command of that name.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Runs what the arguments say.
pub(crate) fn run(program: &Program) -> Result<(), Failure> {
    let parsed = parse(&program.arguments)?;
    if parsed.has("help") {
        return help::of(parsed.command);
    }
    (parsed.command.run)(program, &parsed)
}
