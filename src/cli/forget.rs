//! `invigil forget`: one person's events, and everything derived from them, removed from a session for good.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use super::failure::Failure;
use super::monitor::session_failure;
use super::reference::written;
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::store::forget::{Forgetting, Traces, Whom};

/// Options of `forget`.
#[derive(Debug, Clone, clap::Args)]
#[command(group(clap::ArgGroup::new("whom").required(true)))]
pub struct Args {
    /// The session file; no other invigil may be writing it
    pub file: PathBuf,
    /// The candidate's id, as the pane Candidates and the payloads have it
    #[arg(long, value_name = "ID", group = "whom")]
    pub candidate: Option<String>,
    /// Every candidate who was ever told with this address
    #[arg(long, value_name = "ADDRESS", group = "whom")]
    pub email: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// Tells what there is, asks, and removes it.
///
/// # Errors
/// Code 2 if the file is no session or nobody can be asked; 1 if nobody is found, nobody agrees or it fails.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let whom = match (&args.candidate, &args.email) {
        (Some(id), _) => Whom::Candidate(id.clone()),
        (None, email) => Whom::Email(email.clone().unwrap_or_default()),
    };
    let file = args.file.display();
    if !args.file.exists() {
        return Err(Failure::usage(format!("{file}: is not there; name a session file")));
    }
    let forgetting = Forgetting::of(&args.file, &whom).map_err(|error| session_failure(&error))?;
    let traces = forgetting.traces();
    if traces.events == 0 && !forgetting.is_known() {
        return Err(Failure::running(format!("{file}: holds nothing of them")));
    }
    let told = sentence(traces);
    if !args.yes {
        if !io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "--yes: is needed where nobody can be asked; {file} holds {told}"
            )));
        }
        if !agreed(&told)? {
            return Err(Failure::running(format!("{file}: nothing was removed")));
        }
    }
    let traces = forgetting.carry_out().map_err(|error| Failure::running(error.to_string()))?;
    let mut line = format!("removed for good: {told}");
    if traces.mentions > 0 {
        let _ =
            write!(line, "; {} about others with a mention of them stay", plural(traces.mentions, "event"));
    }
    written(writeln!(out, "{}", Clean::of(&line)).and_then(|()| out.flush()))
}

fn sentence(traces: &Traces) -> String {
    let list = |texts: &std::collections::BTreeSet<String>| {
        texts.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    let names = match list(&traces.names) {
        names if names.is_empty() => String::new(),
        names => format!(" ({names})"),
    };
    let (events, assessments) = (traces.events, traces.assessments.len() as u64);
    let (events, assessments) = (plural(events, "event"), plural(assessments, "assessment"));
    format!("{events} of {}{names} in {assessments}", list(&traces.candidates))
}

/// Asks on the terminal.
fn agreed(told: &str) -> Result<bool, Failure> {
    let lost = |error: io::Error| Failure::running(format!("the terminal cannot be used: {error}"));
    let question = format!("Remove {told} for good? This cannot be undone. [y/N] ");
    let mut stderr = io::stderr();
    write!(stderr, "{}", Clean::of(&question)).and_then(|()| stderr.flush()).map_err(lost)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(lost)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
