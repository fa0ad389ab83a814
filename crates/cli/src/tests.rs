//! The declarations agree with each other, and mistakes are answered with the way out.

use crate::args::{flags_of, parse};
use crate::commands::COMMANDS;
use crate::resolve::{Resolved, ServiceSettings, resolve};
use crate::settings::SETTINGS;
use crate::{Failure, help, settings_markdown};
use std::collections::{BTreeMap, BTreeSet};
use virga_admin::LogFormat;
use virga_service::Setting;

fn services() -> ServiceSettings {
    BTreeMap::from([(
        "sqs",
        vec![Setting {
            name: "delete_wait_s",
            default: "60",
            text: "Seconds before a deleted queue's name is free.",
        }],
    )])
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// Resolves with a settings file of this text.
fn with_file(name: &str, text: &str, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Resolved, Failure> {
    let path = std::env::temp_dir().join(format!("virga-cli-{}-{name}.toml", std::process::id()));
    std::fs::write(&path, text).expect("a file");
    let mut flags = map(flags);
    flags.insert("config".to_owned(), path.display().to_string());
    let resolved = resolve(&flags, &map(variables), &services());
    std::fs::remove_file(&path).expect("removed");
    resolved
}

#[test]
fn flags_win_over_environment_over_file_over_default() {
    let file = "port = 1\nhost = \"0.0.0.0\"\nlog = \"json\"\n[sqs]\ndelete_wait_s = 5\n";
    let resolved = with_file(
        "order",
        file,
        &[("port", "3")],
        &[("VIRGA_PORT", "2"), ("VIRGA_HOST", "::1")],
    )
    .expect("resolves");
    let options = resolved.options().expect("options");
    assert_eq!(
        (options.port, options.host.as_str(), options.log),
        (3, "::1", LogFormat::Json)
    );
    assert_eq!(options.log_level, log::LevelFilter::Info);
    assert_eq!(options.services["sqs"]["delete_wait_s"], "5");
    let variables = [
        ("VIRGA_SQS_DELETE_WAIT_S", "7"),
        ("VIRGA_ENDPOINT", "http://x"),
        ("HOME", "/"),
    ];
    let resolved = with_file("service", file, &[], &variables).expect("resolves");
    assert_eq!(
        resolved.options().expect("options").services["sqs"]["delete_wait_s"],
        "7"
    );
}

#[test]
fn settings_that_do_not_exist_are_refused_wherever_they_stand() {
    let refused = |file: &str, variables: &[(&str, &str)]| {
        with_file("refused", file, &[], variables)
            .expect_err("refused")
            .message()
            .to_owned()
    };
    for (file, variables, parts) in [
        ("prot = 1", vec![], ["sets prot", "did you mean \"port\"?"]),
        ("[sqss]\n", vec![], ["[sqss]", "did you mean \"sqs\"?"]),
        (
            "[sqs]\ndelete_wait = 1\n",
            vec![],
            ["delete_wait of [sqs]", "did you mean \"delete_wait_s\"?"],
        ),
        (
            "[sqs]\ndelete_wait_s = \"soon\"\n",
            vec![],
            ["delete_wait_s of [sqs]", "a whole number"],
        ),
        ("port = [1]", vec![], ["port in", "a number"]),
        ("port = ", vec![], ["not valid TOML", "line 1"]),
        (
            "",
            vec![("VIRGA_PROT", "1")],
            ["VIRGA_PROT", "did you mean \"VIRGA_PORT\"?"],
        ),
        ("", vec![("VIRGA_PORT", "70000")], ["VIRGA_PORT must be", "0 to 65535"]),
        (
            "",
            vec![("VIRGA_LOG", "jsn")],
            ["VIRGA_LOG must be one of", "did you mean \"json\"?"],
        ),
        ("", vec![("VIRGA_SEED", "-1")], ["VIRGA_SEED must be", "whole number"]),
        (
            "",
            vec![("VIRGA_HOST", "http://a")],
            ["VIRGA_HOST must be", "127.0.0.1"],
        ),
    ] {
        let message = refused(file, &variables);
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let missing = resolve(&map(&[("config", "/no/such/file")]), &map(&[]), &services());
    assert!(missing.is_err_and(|failure| failure.message().contains("cannot be read")));
}

#[test]
fn what_kubernetes_says_of_a_service_named_virga_is_no_setting() {
    let variables = map(&[
        ("VIRGA_PORT", "tcp://10.0.0.1:4566"),
        ("VIRGA_PORT_4566_TCP_ADDR", "10.0.0.1"),
        ("VIRGA_SERVICE_HOST", "10.0.0.1"),
    ]);
    let resolved = resolve(&map(&[]), &variables, &services()).expect("resolves");
    assert_eq!(resolved.settings["port"].value, "4566");
}

#[test]
fn every_setting_is_a_flag_a_variable_a_key_and_a_line_of_the_docs() {
    let start = help::page(crate::commands::find("start").expect("start"));
    let docs = settings_markdown(&services());
    for setting in SETTINGS {
        assert!(
            start.contains(&format!("--{} {}", setting.flag(), setting.value)),
            "{}",
            setting.name
        );
        for part in [
            format!("`{}`", setting.name),
            setting.environment(),
            setting.text.to_owned(),
        ] {
            assert!(docs.contains(&part), "{part}");
        }
        if !setting.default.is_empty() {
            assert_eq!(setting.check(setting.default, "default"), Ok(()));
            let resolved = resolve(
                &map(&[]),
                &map(&[(&setting.environment(), setting.default)]),
                &services(),
            );
            assert_eq!(
                resolved.expect("resolves").settings[setting.name].from,
                setting.environment()
            );
        }
    }
    assert!(docs.contains("VIRGA_SQS_DELETE_WAIT_S"));
}

#[test]
fn commands_and_flags_are_declared_once() {
    let names: BTreeSet<&str> = COMMANDS.iter().map(|command| command.name).collect();
    assert_eq!(names.len(), COMMANDS.len());
    for command in COMMANDS {
        let flags = flags_of(command);
        let names: BTreeSet<&str> = flags.iter().map(|flag| flag.name.as_str()).collect();
        assert_eq!(names.len(), flags.len(), "{}", command.name);
        let page = help::page(command);
        assert!(page.lines().all(|line| line.chars().count() <= 110), "{page}");
        for example in command
            .examples
            .iter()
            .filter(|example| example.0.starts_with("virga "))
        {
            let line = example.0.split(['|', '>']).next().unwrap_or_default();
            let arguments = words(line.trim_start_matches("virga "));
            let parsed = parse(&arguments).unwrap_or_else(|failure| panic!("{}: {}", example.0, failure.message()));
            assert!(!parsed.command.name.is_empty());
        }
    }
}

#[test]
fn arguments_are_read() {
    let parsed = parse(&words("--endpoint http://a time advance 2h --output=json")).expect("parses");
    assert_eq!(parsed.command.name, "time advance");
    assert_eq!(
        (parsed.argument(0), parsed.flag("endpoint"), parsed.flag("output")),
        (Some("2h"), Some("http://a"), Some("json"))
    );
    assert_eq!(parse(&words("time")).expect("parses").command.name, "time");
    assert!(parse(&words("logs -f")).expect("parses").has("follow"));
    assert_eq!(parse(&[]).expect("parses").command.name, "help");
    assert_eq!(parse(&words("--version")).expect("parses").command.name, "version");
    assert!(parse(&words("time set --help")).expect("parses").has("help"));
}

#[test]
fn mistakes_are_answered_with_the_way_out() {
    for (line, part) in [
        ("strat", "did you mean \"start\"?"),
        ("sqs list-queues", "virga env"),
        ("start --prot 1", "did you mean \"--port\"?"),
        ("start --port", "--port PORT"),
        ("start --detach=yes", "takes no value"),
        ("start --port 1 --port 2", "twice"),
        ("start now", "does not take \"now\""),
        ("time advance", "needs DURATION"),
        ("time frezee", "did you mean \"freeze\"?"),
        ("status --output xml", "text, json"),
        ("start --endpoint http://a", "no flag --endpoint"),
    ] {
        let failure = parse(&words(line)).map(|parsed| parsed.command.name).expect_err(line);
        assert!(failure.message().contains(part), "{line}: {}", failure.message());
    }
}

#[test]
fn help_lists_every_command() {
    let overview = help::overview();
    for command in COMMANDS {
        assert!(
            overview.contains(command.name) && overview.contains(command.summary),
            "{}",
            command.name
        );
    }
}
