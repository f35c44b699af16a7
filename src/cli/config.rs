//! `invigil config`: what `watch` and `serve` would run with, as a config file that says where each value comes
//! from. Secrets are counted, never printed.

use std::fmt::Write;

use clap::{Arg, ArgAction, ArgMatches};

use super::args::Options;
use super::failure::Failure;
use super::layers::{self, ConfigFile, OWN_KEYS, Origin};
use super::reference::print;
use super::relay::Choice as Relay;
use super::screen;
use super::settings::{self, Settings};
use crate::domain::clean::Clean;
use crate::domain::count::plural;

/// Prints the effective configuration, once it is known to be one.
///
/// # Errors
/// Code 2 if `watch` would not start with it either; 1 if standard output cannot be written.
pub fn run(options: Options, file: &ConfigFile, matches: &ArgMatches) -> Result<(), Failure> {
    let given = settings::keyring(&options.secret, None)?.secrets().len();
    let settings = Settings::new(options, file)?;
    if let Some(theme) = &settings.looks.theme {
        screen::looks(Some(theme))?;
    }
    let all = settings.keyring.secrets().len();
    let there = if file.exists { "" } else { " (there is none)" };
    let mut out = format!(
        "# What `invigil watch` and `invigil serve` run with, and where each value comes from.\n\
         # Config file: {}{there}\n",
        Clean::of(&file.name)
    );
    for option in layers::options() {
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        let (help, otherwise) = help.split_once(" [default: ").unwrap_or((&help, ""));
        let secrets = match option.get_id().as_str() {
            "secret" => given,
            "secret_file" => all.saturating_sub(given),
            _ => 0,
        };
        let line = line(&option, otherwise.trim_end_matches(']'), secrets, file, matches);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\n# {help}\n{line}");
    }
    out.push_str("\n# Only in the config file: rules that call somebody, how they do, and keys laid anew\n");
    for key in OWN_KEYS {
        out.push_str(&file.entry(key).unwrap_or_else(|| format!("# {key}: not set\n")));
    }
    print(out.as_bytes())
}

/// The line of an option; a comment, if it has no value or none to be printed.
fn line(option: &Arg, otherwise: &str, secrets: usize, file: &ConfigFile, matches: &ArgMatches) -> String {
    let id = option.get_id().as_str();
    let variable = option.get_env().unwrap_or_default().to_string_lossy();
    let mut origin = match Origin::of(id, matches, file) {
        Origin::Default => "default".to_owned(),
        Origin::File => format!("from {}", Clean::of(&file.name)),
        Origin::Environment => format!("from {variable}"),
        Origin::CommandLine => format!("from --{}", option.get_long().unwrap_or_default()),
    };
    if secrets > 0 {
        origin = format!("{}, {origin}", plural(secrets as u64, "secret"));
    }
    let values = matches.get_raw(id).into_iter().flatten();
    let values: Vec<String> = values.map(|value| value.to_string_lossy().into_owned()).collect();
    if values.is_empty() {
        let so = if otherwise.is_empty() { "" } else { ": " };
        return format!("# {id} is not set{so}{otherwise}");
    }
    let is_switch = |value: &String| id == "relay" && !matches!(value.parse(), Ok(Relay::Token(_)) | Err(_));
    // There may be a token in a query.
    let is_secret = option.is_hide_env_values_set()
        || values.iter().any(|value| value.contains("://") && value.contains('?'));
    if is_secret && !values.iter().all(is_switch) {
        return format!("# {id} is set ({origin}), and not shown");
    }
    let values: Vec<_> = values.into_iter().map(|value| toml::Value::String(value).to_string()).collect();
    let values = match option.get_action() {
        // `yes` and `1` are other ways to write it.
        ArgAction::SetTrue => matches.get_flag(id).to_string(),
        ArgAction::Append => format!("[{}]", values.join(", ")),
        _ => values.concat(),
    };
    format!("{id} = {values}  # {origin}")
}
