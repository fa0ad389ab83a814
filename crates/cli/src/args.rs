//! Reads arguments by a command's declaration.

use crate::Failure;
use crate::commands::{COMMANDS, Command, GLOBAL_FLAGS, find};
use crate::settings::SETTINGS;
use std::collections::BTreeMap;
use virga_admin::text::did_you_mean;

/// A flag as it is declared.
#[derive(Debug)]
pub(crate) struct Flag {
    /// Without the dashes.
    pub name: &'static str,
    pub short: Option<char>,
    /// What stands for the value in help; `None` for a flag without one.
    pub value: Option<&'static str>,
    /// The words that the value may be; empty for any.
    pub choices: &'static [&'static str],
    pub text: &'static str,
}

/// A flag for help and reading, whether declared with the command or derived from a setting.
pub(crate) struct AnyFlag {
    pub name: String,
    pub short: Option<char>,
    pub value: Option<&'static str>,
    pub choices: &'static [&'static str],
    pub text: &'static str,
    pub default: &'static str,
}

/// What the user wrote.
pub(crate) struct Parsed {
    pub command: &'static Command,
    /// By name; `true` for flags without a value.
    pub flags: BTreeMap<String, String>,
    pub arguments: Vec<String>,
}

impl Parsed {
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.flags.contains_key(name)
    }

    pub(crate) fn argument(&self, index: usize) -> Option<&str> {
        self.arguments.get(index).map(String::as_str)
    }
}

/// All flags that a command takes, its own first.
pub(crate) fn flags_of(command: &Command) -> Vec<AnyFlag> {
    let declared = |flag: &Flag| AnyFlag {
        name: flag.name.to_owned(),
        short: flag.short,
        value: flag.value,
        choices: flag.choices,
        text: flag.text,
        default: "",
    };
    let settings = SETTINGS
        .iter()
        .filter(|_| command.takes_settings)
        .map(|setting| AnyFlag {
            name: setting.flag(),
            short: None,
            value: Some(setting.value),
            // Checked with the settings, which know where a value comes from.
            choices: &[],
            text: setting.text,
            default: setting.default,
        });
    let global = GLOBAL_FLAGS.iter().filter(|flag| command.takes(flag.name));
    let own = command.flags.iter().map(declared);
    own.chain(settings).chain(global.map(declared)).collect()
}

/// Finds the command and reads its flags. Flags may stand anywhere behind it; global ones also before.
pub(crate) fn parse(arguments: &[String]) -> Result<Parsed, Failure> {
    let (command, rest) = find_command(arguments)?;
    let known = flags_of(command);
    let mut parsed = Parsed {
        command,
        flags: BTreeMap::new(),
        arguments: Vec::new(),
    };
    let mut words = rest.iter();
    let mut only_arguments = false;
    while let Some(word) = words.next() {
        if only_arguments || *word == "-" || !word.starts_with('-') {
            parsed.arguments.push((*word).clone());
            continue;
        }
        if *word == "--" {
            only_arguments = true;
            continue;
        }
        let (name, attached) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let found = known.iter().find(|flag| match name.strip_prefix("--") {
            Some(long) => flag.name == long,
            None => flag
                .short
                .is_some_and(|short| name.strip_prefix('-') == Some(short.to_string().as_str())),
        });
        let Some(flag) = found else {
            let long: Vec<String> = known.iter().map(|flag| format!("--{}", flag.name)).collect();
            let hint = did_you_mean(name, long.iter().map(String::as_str));
            return Err(Failure::usage(format!(
                "`virga {}` has no flag {name}{hint} See `virga {} --help`.",
                command.name,
                command.name,
                hint = if hint.is_empty() { "." } else { &hint }
            )));
        };
        let value = match (flag.value, attached) {
            (None, None) => "true".to_owned(),
            (None, Some(_)) => return Err(Failure::usage(format!("--{} takes no value.", flag.name))),
            (Some(_), Some(value)) => value,
            (Some(placeholder), None) => match words.next() {
                Some(value) => (*value).clone(),
                None => {
                    return Err(Failure::usage(format!(
                        "--{} needs a value: --{} {placeholder}.",
                        flag.name, flag.name
                    )));
                }
            },
        };
        if !flag.choices.is_empty() && !flag.choices.contains(&value.as_str()) {
            return Err(Failure::usage(format!(
                "--{} must be one of {}, not {value:?}.",
                flag.name,
                flag.choices.join(", ")
            )));
        }
        if parsed.flags.insert(flag.name.clone(), value).is_some() {
            return Err(Failure::usage(format!("--{} is given twice.", flag.name)));
        }
    }
    // Whoever asks for help need not have the arguments right.
    if !parsed.has("help") {
        check_arguments(&parsed)?;
    }
    Ok(parsed)
}

/// Whatever flags stand before the command are kept for it.
fn find_command(arguments: &[String]) -> Result<(&'static Command, Vec<&String>), Failure> {
    let mut before = Vec::new();
    let mut rest = arguments.iter().peekable();
    while let Some(word) = rest.next_if(|word| word.starts_with('-') && word.len() > 1) {
        before.push(word);
        let takes_value = GLOBAL_FLAGS
            .iter()
            .any(|flag| flag.value.is_some() && word.strip_prefix("--") == Some(flag.name));
        if takes_value {
            before.extend(rest.next());
        }
    }
    let Some(word) = rest.next() else {
        // `virga`, `virga --help`, `virga --version`
        let version = before.iter().any(|word| matches!(word.as_str(), "--version" | "-V"));
        before.retain(|word| !matches!(word.as_str(), "--version" | "-V"));
        let name = if version { "version" } else { "help" };
        return find(name)
            .map(|command| (command, before))
            .ok_or_else(|| Failure::usage("See `virga help`."));
    };
    let two = rest.peek().map(|second| format!("{word} {second}"));
    if let Some(command) = two.as_deref().and_then(find) {
        rest.next();
        before.extend(rest);
        return Ok((command, before));
    }
    if let Some(command) = find(word) {
        before.extend(rest);
        return Ok((command, before));
    }
    let hint = did_you_mean(word, COMMANDS.iter().map(|command| command.name));
    Err(Failure::usage(if hint.is_empty() {
        format!(
            "There is no command {word:?}. `virga help` lists all; AWS's own operations are called with the AWS CLI after \
             `eval \"$(virga env)\"`."
        )
    } else {
        format!("There is no command {word:?}{hint}")
    }))
}

fn check_arguments(parsed: &Parsed) -> Result<(), Failure> {
    let command = parsed.command;
    if let Some(missing) = command
        .arguments
        .iter()
        .skip(parsed.arguments.len())
        .find(|argument| argument.required)
    {
        return Err(Failure::usage(format!(
            "`virga {}` needs {}: {} See `virga {} --help`.",
            command.name, missing.name, missing.text, command.name
        )));
    }
    if let Some(extra) = parsed.arguments.get(command.arguments.len()) {
        let siblings = COMMANDS
            .iter()
            .filter_map(|other| other.name.strip_prefix(command.name)?.strip_prefix(' '));
        let hint = did_you_mean(extra, siblings);
        return Err(Failure::usage(format!(
            "`virga {}` does not take {extra:?}{hint} See `virga {} --help`.",
            command.name,
            command.name,
            hint = if hint.is_empty() { "." } else { &hint }
        )));
    }
    Ok(())
}
