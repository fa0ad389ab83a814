//! Help, from the declarations.

use crate::args::{Parsed, flags_of};
use crate::commands::{COMMANDS, Command, find};
use crate::{Failure, Program, out};
use serde_json::json;
use virga_admin::text::did_you_mean;

/// Columns of a page of help.
const WIDTH: usize = 100;

pub(crate) fn help(_: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let words = parsed.arguments.join(" ");
    if words.is_empty() {
        return out::print(&overview());
    }
    match find(&words) {
        Some(command) => of(command),
        None => {
            let hint = did_you_mean(&words, COMMANDS.iter().map(|command| command.name));
            Err(Failure::usage(format!("There is no command {words:?}{hint}")))
        }
    }
}

/// Prints a command's help.
pub(crate) fn of(command: &Command) -> Result<(), Failure> {
    out::print(&if command.name == "help" {
        overview()
    } else {
        page(command)
    })
}

pub(crate) fn version(program: &Program, parsed: &Parsed) -> Result<(), Failure> {
    let version = program.version;
    out::print(&match parsed.flag("output") {
        Some("json") => format!("{}\n", json!({"version": version, "edition": "virga"})),
        _ => format!("virga {version}\n"),
    })
}

/// What `virga` alone prints.
pub(crate) fn overview() -> String {
    let mut text = String::from(
        "Virga is AWS on your own machine: real AWS clients, no account, no network.\n\n\
         Usage: virga COMMAND [FLAGS]\n\nCommands:\n",
    );
    let rows: Vec<Vec<String>> = COMMANDS
        .iter()
        .map(|command| {
            let arguments = command.arguments.iter().filter(|argument| argument.required);
            let name = arguments.fold(command.name.to_owned(), |name, argument| {
                format!("{name} {}", argument.name)
            });
            vec![format!("  {name}"), command.summary.to_owned()]
        })
        .collect();
    text.push_str(&out::table(&rows));
    text.push_str(
        "\nA first call:\n  virga start --detach\n  eval \"$(virga env)\"\n  aws sqs create-queue --queue-name hello\n  \
         virga logs\n\n`virga COMMAND --help` says more, with examples.\n",
    );
    text
}

/// One command's page.
pub(crate) fn page(command: &Command) -> String {
    let mut usage = format!("virga {}", command.name);
    for argument in command.arguments {
        usage.push_str(&if argument.required {
            format!(" {}", argument.name)
        } else {
            format!(" [{}]", argument.name)
        });
    }
    let mut text = format!("{}\n", command.summary);
    for paragraph in command.about.lines() {
        text.push('\n');
        text.push_str(&wrap(paragraph, "", WIDTH));
    }
    text.push_str(&format!("\nUsage: {usage} [FLAGS]\n"));
    if !command.arguments.is_empty() {
        text.push_str("\nArguments:\n");
        let rows: Vec<Vec<String>> = command
            .arguments
            .iter()
            .map(|argument| vec![format!("  {}", argument.name), argument.text.to_owned()])
            .collect();
        text.push_str(&out::table(&rows));
    }
    text.push_str("\nFlags:\n");
    for flag in flags_of(command) {
        let short = flag
            .short
            .map_or_else(|| "    ".to_owned(), |short| format!("-{short}, "));
        let value = flag.value.map_or_else(String::new, |value| format!(" {value}"));
        let default = match flag.default {
            "" => String::new(),
            default => format!(" [default: {default}]"),
        };
        let head = format!("  {short}--{}{value}", flag.name);
        let indent = " ".repeat(26);
        let body = wrap(&format!("{}{default}", flag.text), &indent, WIDTH);
        text.push_str(&format!("{head:<25} {}", body.trim_start()));
    }
    if !command.examples.is_empty() {
        text.push_str("\nExamples:\n");
        let rows: Vec<Vec<String>> = command
            .examples
            .iter()
            .map(|example| {
                let comment = if example.1.is_empty() {
                    String::new()
                } else {
                    format!("# {}", example.1)
                };
                vec![format!("  {}", example.0), comment]
            })
            .collect();
        text.push_str(&out::table(&rows));
    }
    text
}

fn wrap(text: &str, indent: &str, width: usize) -> String {
    let (mut wrapped, mut line) = (String::new(), indent.to_owned());
    for word in text.split_whitespace() {
        if line.len() > indent.len() && line.chars().count() + 1 + word.chars().count() > width {
            wrapped.push_str(line.trim_end());
            wrapped.push('\n');
            line = indent.to_owned();
        }
        if line.len() > indent.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    wrapped.push_str(&line);
    wrapped.push('\n');
    wrapped
}
