//! `invigil import`: events that were kept elsewhere, put into a session.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::monitor::session_failure;
use super::reference::written;
use super::{places, settings};
use crate::clock;
use crate::domain::clean::Clean;
use crate::domain::secret::Given;
use crate::source::file::{Broken, Import, Report};
use crate::store::import::Filling;

/// Lines about what is not taken; more are only counted.
const TOLD: u64 = 50;

/// Options of `import`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What to take: a session saved as JSON, lines of JSON (exported events or bodies), captured requests
    /// (NAME.http, or NAME.json with NAME.headers beside it), a directory of them; `-` is standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    pub from: Vec<PathBuf>,
    /// The session to put it into; an existing one is continued
    #[arg(long, value_name = "FILE")]
    pub session: PathBuf,
    /// Signing secret, whsec_…; may be repeated. With one, a captured request is only taken if its signature
    /// holds, however old it is
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with signing secrets, one a line
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
    /// Take the rest where something cannot be read, instead of nothing
    #[arg(long)]
    pub keep_going: bool,
}

/// Imports, and prints what it came to as one line of JSON.
///
/// # Errors
/// Code 2 if an option is wrong or the session none; 1 if something cannot be read (and it is not to keep going, or
/// there is nothing else), or the session not written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let keyring = settings::keyring(&args.secret, args.secret_file.as_deref())?;
    if let Some(session) = args.from.iter().find(|path| path.is_file() && places::is_session(path)) {
        let name = session.display();
        return Err(Failure::usage(format!(
            "{name}: is a session file; write `invigil export {name} --format ndjson | invigil import - --session {}`",
            args.session.display()
        )));
    }
    let filling = Filling::into(&args.session, clock::now(), args.keep_going);
    let filling = filling.map_err(|error| session_failure(&error))?;
    let mut told = 0;
    let mut tell = |line: String| {
        told += 1;
        if told <= TOLD {
            // What it came to is told at the end.
            let _ = writeln!(io::stderr(), "invigil: {}", Clean::one_line(&line));
        }
    };
    let failed = |broken| failure(broken, &args.session);
    let report = Report::default();
    let mut import =
        Import { filling, keyring: &keyring, keep_going: args.keep_going, report, tell: &mut tell };
    for from in &args.from {
        import.take(from).map_err(failed)?;
    }
    let report = import.finish().map_err(|error| failed(Broken::Store(error)))?;
    if told > TOLD {
        let _ = writeln!(io::stderr(), "invigil: {} more are not told", told - TOLD);
    }
    let line = serde_json::to_string(&report).map_err(|error| Failure::running(error.to_string()))?;
    written(writeln!(io::stdout(), "{line}"))?;
    if report.failed > 0 && report.events + report.known == 0 {
        let given: Vec<_> = args.from.iter().map(|from| from.display().to_string()).collect();
        let given = given.join(", ");
        return Err(Failure::running(format!("{given}: no event is taken, nothing of it can be read")));
    }
    Ok(())
}

fn failure(broken: Broken, session: &Path) -> Failure {
    match broken {
        Broken::Wrong(what) => {
            Failure::running(format!("{what}; nothing is taken (--keep-going takes the rest)"))
        }
        Broken::Store(error) => Failure::running(format!("--session {}", error.of_file(session))),
    }
}
