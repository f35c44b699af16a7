//! What is not wrong, but unwise: secrets where other users of the machine can read them, options that do nothing,
//! variables that are none.

use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory};

use super::args::Cli;
use super::layers::ConfigFile;
use super::relay::Choice as Relay;
use crate::domain::filter::nearest;

/// How all our variables begin.
const PREFIX: &str = "INVIGIL_";
/// The options that name a file with a secret in it.
const FILES: [(&str, &str); 4] = [
    ("secret_file", "--secret-file"),
    ("control_token_file", "--control-token-file"),
    ("token_file", "--token-file"),
    ("tls_key", "--tls-key"),
];

/// The options whose values must never be shown, in whichever command.
fn secret_options() -> Vec<Arg> {
    let cli = Cli::command();
    let commands = std::iter::once(&cli).chain(cli.get_subcommands());
    let all = commands.flat_map(clap::Command::get_arguments);
    all.filter(|arg| arg.is_hide_env_values_set()).cloned().collect()
}

/// A sentence for each secret that others can read, as it was given.
#[must_use]
pub fn of(matches: &ArgMatches, file: &ConfigFile) -> Vec<String> {
    let mut told = Vec::new();
    let secrets = secret_options();
    for id in matches.ids().filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)) {
        let Some(option) = secrets.iter().find(|option| option.get_id() == id) else { continue };
        // Most often it says only that one is wanted.
        if id == "relay" && !matches!(matches.get_one("relay"), Some(Relay::Token(_))) {
            continue;
        }
        let long = option.get_long().unwrap_or_default();
        let variable = option.get_env().unwrap_or_default().to_string_lossy();
        let file = FILES.iter().find(|(file, _)| file.strip_suffix("_file") == Some(id.as_str()));
        let file = file.map_or_else(String::new, |(_, file)| format!("{file} or "));
        told.push(format!(
            "--{long}: other users of this machine can read a command line; use {file}{variable}"
        ));
    }
    let given = FILES.iter().filter(|(id, _)| matches.ids().any(|given| given == id));
    let given = given.filter_map(|(id, option)| Some((*option, matches.get_one::<PathBuf>(id)?.as_path())));
    // `relay` is a switch more often than a token.
    let holds = |option: &Arg| option.get_id() != "relay" && file.holds(option.get_id().as_str());
    let config = secrets.iter().any(holds).then(|| ("config", Path::new(&file.name)));
    for (what, path) in given.chain(config).filter(|(_, path)| others_can_read(path)) {
        let name = path.display();
        told.push(format!("{what} {name}: others can read it; `chmod 600 {name}`"));
    }
    told.extend(idle(matches));
    told.extend(std::env::vars_os().filter_map(|(name, _)| mistyped(name.to_str()?)));
    told
}

/// A sentence for a variable that is none of ours and looks like one.
fn mistyped(name: &str) -> Option<String> {
    let typed = name.strip_prefix(PREFIX)?;
    // What Kubernetes sets for a service of that name.
    if typed.starts_with("SERVICE_") || typed.starts_with("PORT") {
        return None;
    }
    let cli = Cli::command();
    let all = std::iter::once(&cli).chain(cli.get_subcommands()).flat_map(clap::Command::get_arguments);
    let known = all.filter_map(|option| option.get_env()?.to_str()?.strip_prefix(PREFIX));
    let known: Vec<&str> = known.collect();
    let near = nearest(typed, &known).filter(|near| *near != typed)?;
    Some(format!("{name}: there is no such variable; did you mean {PREFIX}{near}?"))
}

/// A sentence for each option that does nothing without another.
fn idle(matches: &ArgMatches) -> Vec<String> {
    let takes = |id: &str| matches.ids().any(|known| known == id);
    let relayed = takes("relay") && matches.get_one("relay") != Some(&Relay::Off);
    let shared = takes("control");
    let alone = [
        ("relay_url", "--relay", relayed),
        ("control_token", "--control", shared),
        ("control_token_file", "--control", shared),
    ];
    // A variable or a config file may be there for another time, or for `attach`.
    let given = |id: &str| takes(id) && matches.value_source(id) == Some(ValueSource::CommandLine);
    let idle = alone.into_iter().filter(|(id, _, is_on)| !is_on && given(id));
    idle.map(|(id, wanted, _)| format!("--{}: does nothing without {wanted}", id.replace('_', "-"))).collect()
}

/// Whether it is a file that more than its owner may read. What cannot be looked at is somebody else's error.
#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_path: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_nearly_one_is_told() {
        let told = "INVIGIL_LISTN: there is no such variable; did you mean INVIGIL_LISTEN?";
        assert_eq!(mistyped("INVIGIL_LISTN").as_deref(), Some(told));
        for fine in
            ["INVIGIL_LISTEN", "INVIGIL_PORT", "INVIGIL_SERVICE_HOST", "INVIGIL_HOME_OF_MINE", "LISTN"]
        {
            assert_eq!(mistyped(fine), None, "{fine}");
        }
    }

    #[test]
    fn an_option_that_does_nothing_alone_is_told() {
        let told = |more: &[&str]| {
            let line = [&["invigil", "serve"], more].concat();
            let (_, matches) =
                Cli::command().try_get_matches_from(line).unwrap().remove_subcommand().unwrap();
            of(&matches, &ConfigFile::default()).join("; ")
        };
        assert_eq!(told(&["--relay-url", "ws://h:1"]), "--relay-url: does nothing without --relay");
        assert_eq!(told(&["--relay-url", "ws://h:1", "--relay"]), "");
        assert!(told(&["--control-token", "t"]).contains("--control-token: does nothing without --control"));
        let file = ["--control-token-file", "none.txt"];
        assert_eq!(told(&file), "--control-token-file: does nothing without --control");
        assert_eq!(told(&[&file[..], &["--control", "127.0.0.1:1"]].concat()), "");
    }
}
