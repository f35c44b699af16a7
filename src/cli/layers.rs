//! Where the value of an option comes from: its default, then the config file, then the environment, then the
//! command line, each over the one before.
//!
//! The config file is read as other defaults for the options that `args` declares, and the command line is read
//! again with them. So an option is declared once, and reading, checking and precedence are the same for all.
#![expect(clippy::disallowed_methods, reason = "the config file is read here")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, FromArgMatches};

use super::args::Cli;
use super::blame;
use super::control;
use super::failure::Failure;
use super::places;
use crate::domain::filter::nearest;

/// The keys of the config file that are no options.
pub const OWN_KEYS: [&str; 3] = ["alerts", "alert_by", "keys"];

/// The command line, read over environment and config file.
pub struct Given {
    /// The values.
    pub cli: Cli,
    /// The config file.
    pub file: ConfigFile,
    /// The same, where each value still knows what it comes from.
    pub matches: ArgMatches,
}

/// Where a value comes from.
///
/// What is further down is closer to the user, and wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It is the built-in one, or none.
    Default,
    /// The config file.
    File,
    /// The option's variable.
    Environment,
    /// The command line.
    CommandLine,
}

impl Origin {
    /// Where the value of an option of a command comes from.
    #[must_use]
    pub fn of(id: &str, matches: &ArgMatches, file: &ConfigFile) -> Self {
        match matches.value_source(id) {
            Some(ValueSource::CommandLine) => Self::CommandLine,
            Some(ValueSource::EnvVariable) => Self::Environment,
            Some(_) if file.values.contains_key(id) => Self::File,
            _ => Self::Default,
        }
    }
}

/// The options that the config file may hold too.
#[must_use]
pub fn options() -> Vec<Arg> {
    let mut cli = Cli::command();
    cli.build();
    let serve = cli.find_subcommand("serve");
    let all = serve.into_iter().flat_map(clap::Command::get_arguments);
    all.filter(|arg| arg.get_env().is_some() && arg.get_id() != "config").cloned().collect()
}

impl Given {
    /// Reads the config file and lays what was given over it. `matches` is the command line as read without.
    ///
    /// # Errors
    /// One line that names the key that is wrong, or an option that stands where it says nothing.
    pub fn over_file(matches: ArgMatches) -> Result<Self, Failure> {
        let options = options();
        let wanted = match matches.subcommand() {
            None => true,
            Some((name, _)) => {
                let cli = Cli::command();
                before_command(&matches, name, &cli)?;
                let takes = |command: &clap::Command| options.iter().any(|arg| is_option(command, arg));
                cli.find_subcommand(name).is_some_and(takes)
            }
        };
        if !wanted {
            return Self::new(matches, ConfigFile::default());
        }
        let named = matches.get_one::<PathBuf>("config").map(PathBuf::as_path);
        let wrong = |failure| blame::named(failure, &matches, &ConfigFile::default());
        let file = ConfigFile::read(named, &options).map_err(wrong)?;
        if file.values.is_empty() {
            return Self::new(matches, file);
        }
        let command = with_defaults(Cli::command(), &options, &file.values);
        let matches = command.try_get_matches().map_err(|error| Failure::usage(error.to_string()))?;
        Self::new(matches, file)
    }

    fn new(mut matches: ArgMatches, file: ConfigFile) -> Result<Self, Failure> {
        let mut cli = Cli::from_arg_matches(&matches).map_err(|error| Failure::usage(error.to_string()))?;
        let matches = matches.remove_subcommand().map_or(matches, |(_, of_command)| of_command);
        control::keep_one(&mut cli, |id| Origin::of(id, &matches, &file))?;
        Ok(Self { cli, file, matches })
    }
}

/// `invigil --listen X serve` would listen elsewhere than it says.
fn before_command(matches: &ArgMatches, command: &str, cli: &clap::Command) -> Result<(), Failure> {
    let given = |arg: &&Arg| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let own = cli.get_arguments().filter(|arg| !arg.is_global_set());
    match own.filter(given).find_map(Arg::get_long) {
        Some(long) => Err(Failure::usage(format!(
            "--{long}: stands before the command; write `invigil {command} --{long}`"
        ))),
        None => Ok(()),
    }
}

/// Whether a command takes an option: what has its name and its variable is the same option. The variable alone
/// may stand for something else, as the token that is asked for here and the one that is given elsewhere.
fn is_option(command: &clap::Command, option: &Arg) -> bool {
    let mut all = command.get_arguments();
    all.any(|arg| (arg.get_id(), arg.get_env()) == (option.get_id(), option.get_env()))
}

/// Puts the values of the config file in the place of the options' defaults, in every command that has them.
fn with_defaults(
    mut command: clap::Command,
    options: &[Arg],
    values: &BTreeMap<String, Vec<String>>,
) -> clap::Command {
    for option in options {
        let id = option.get_id().as_str();
        if let Some(values) = values.get(id)
            && is_option(&command, option)
        {
            command = command.mut_arg(id, |arg| arg.default_values(values));
        }
    }
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |command| with_defaults(command, options, values));
    }
    command
}

/// The config file as read: every key known, every option's value one that it takes.
#[derive(Default)]
pub struct ConfigFile {
    /// Where it is, or would be.
    pub name: String,
    /// Whether it is there.
    pub exists: bool,
    /// The options in it, as they would stand on the command line.
    values: BTreeMap<String, Vec<String>>,
    table: toml::Table,
}

impl ConfigFile {
    fn read(named: Option<&Path>, options: &[Arg]) -> Result<Self, Failure> {
        let path = named.map(Path::to_path_buf).or_else(places::config_file).unwrap_or_default();
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_some() => {
                return Err(Failure::usage(format!("--config {name}: cannot be read: {error}")));
            }
            // No config file is the usual case.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self { name, ..Self::default() });
            }
            Err(error) => return Err(Failure::usage(format!("config {name}: cannot be read: {error}"))),
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            Failure::usage(format!("config {name}, line {line}: {}", error.message()))
        })?;
        let mut file = Self { name, exists: true, values: BTreeMap::new(), table };
        let ids = options.iter().map(|arg| arg.get_id().as_str());
        let known: Vec<&str> = ids.chain(OWN_KEYS).collect();
        if let Some(key) = file.table.keys().find(|key| !known.contains(&key.as_str())) {
            let near = nearest(key, &known);
            let hint = near.map_or_else(
                || format!("there are {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(Failure::usage(format!("config {}: no key `{key}`; {hint}", file.name)));
        }
        for option in options {
            let id = option.get_id().as_str();
            if let Some(values) = file.texts(id)? {
                check(option, &values).map_err(|why| file.wrong(id, why))?;
                file.values.insert(id.to_owned(), values);
            }
        }
        Ok(file)
    }

    /// Whether it gives a value to an option.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        self.values.contains_key(id)
    }

    /// What is wrong with the value of a key.
    pub fn wrong(&self, key: &str, what: impl Display) -> Failure {
        Failure::usage(format!("config {}, key `{key}`: {what}", self.name))
    }

    /// The value of a key, or its values, as text.
    ///
    /// # Errors
    /// If it is no value or list of values.
    pub fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Failure> {
        let one = |value: &toml::Value| match value {
            toml::Value::String(text) => Ok(text.clone()),
            toml::Value::Boolean(_) | toml::Value::Integer(_) | toml::Value::Float(_) => {
                Ok(value.to_string())
            }
            _ => Err(self.wrong(key, "must be a text in quotes, a number, true, false or a list of them")),
        };
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::Array(list)) => list.iter().map(one).collect::<Result<_, _>>().map(Some),
            Some(value) => one(value).map(|text| Some(vec![text])),
        }
    }

    /// A key with its value, as TOML.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<String> {
        let value = self.table.get(key)?.clone();
        toml::to_string(&toml::Table::from_iter([(key.to_owned(), value)])).ok()
    }

    /// A key that is a table, as TOML.
    ///
    /// # Errors
    /// If it is none.
    pub fn table(&self, key: &str) -> Result<Option<String>, Failure> {
        let text = |table| toml::to_string(table).map_err(|_not_a_table| self.wrong(key, "must be a table"));
        self.table.get(key).map(text).transpose()
    }
}

/// Whether an option takes these values; if not, why.
fn check(option: &Arg, values: &[String]) -> Result<(), String> {
    let many = matches!(option.get_action(), clap::ArgAction::Append);
    if values.len() != 1 && !many {
        return Err("must be one value".to_owned());
    }
    let id = option.get_id().clone();
    // As a default and not as an argument: a switch takes none there.
    let option = option.clone().default_values(values).global(false);
    let read = clap::Command::new("config").no_binary_name(true).arg(option).try_get_matches_from([""; 0]);
    match read {
        Ok(_) => Ok(()),
        Err(_) if values.iter().any(String::is_empty) => Err("is empty".to_owned()),
        Err(error) => Err(error.source().map_or_else(|| format!("is no `{id}`"), ToString::to_string)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_a_key_and_a_variable_of_the_same_name() {
        let mut cli = Cli::command();
        cli.build();
        for command in ["watch", "serve", "config"] {
            let taken = cli.find_subcommand(command).unwrap().get_arguments();
            let taken = taken.filter(|arg| !["help", "version", "config"].contains(&arg.get_id().as_str()));
            for arg in taken {
                let id = arg.get_id().as_str();
                let variable = format!("INVIGIL_{}", id.to_uppercase());
                assert_eq!(arg.get_long(), Some(id.replace('_', "-").as_str()), "{command}: its option");
                assert_eq!(arg.get_env().unwrap(), variable.as_str(), "{command} --{id}: its variable");
                assert!(options().iter().any(|option| option.get_id() == id), "{command} --{id}: its key");
            }
        }
        assert!(options().len() > 10, "they were found");
    }
}
