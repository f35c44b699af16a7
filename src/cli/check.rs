//! `invigil check`: whether a session file is whole and says what its events say, and making it so again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::reference::written;
use super::settings;
use crate::domain::clean::Clean;
use crate::domain::count::{count, plural};
use crate::domain::secret::Given;
use crate::store::StoreError;
use crate::store::check::{self, Report};
use crate::store::repair;

/// Options of `check`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The session file
    pub file: PathBuf,
    /// Derive again whatever is not as the events say; what came is never touched
    #[arg(long)]
    pub repair: bool,
    /// Signing secret, whsec_…, to verify the kept signatures again; may be repeated
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with signing secrets, one a line
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
}

/// Checks, tells each finding in one line, and sums up.
///
/// # Errors
/// Code 1 if the session is not sound, 2 if the file is none or a secret is wrong.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let keyring = settings::keyring(&args.secret, args.secret_file.as_deref())?;
    let mut said = Ok(());
    let mut tell = |line: &str| {
        if said.is_ok() {
            said = writeln!(out, "{}", Clean::of(line));
        }
    };
    let failed = |error| failure(error, &args.file);
    let (before, report) = if args.repair {
        repair::repair(&args.file, &keyring, &mut tell).map_err(failed)?
    } else {
        (0, check::check(&args.file, &keyring, &mut tell).map_err(failed)?)
    };
    let file = args.file.display();
    if before > 0 {
        tell(&format!("derived anew: {} before, {} now", plural(before, "finding"), report.findings));
    }
    if report.findings == 0 {
        tell(&format!("sound: {}", sentence(&report, keyring.is_empty())));
    }
    written(said.and_then(|()| out.flush()))?;
    match report.findings {
        0 => Ok(()),
        count if args.repair => Err(Failure::running(format!(
            "{file}: what is left is not about what is derived: {}",
            plural(count, "finding")
        ))),
        count => {
            let unsigned = report.verified.saturating_sub(report.held);
            let help = if !keyring.is_empty() && count == unsigned {
                "all of them are signatures that do not hold under the secret given; is it this session's?"
            } else if report.whole {
                "`--repair` makes anew what is derived from the events"
            } else {
                "not all of what came can be read, so nothing can be made anew from it"
            };
            Err(Failure::running(format!("{file}: is not sound, {}; {help}", plural(count, "finding"))))
        }
    }
}

fn sentence(report: &Report, no_secret: bool) -> String {
    let Report { events, verified, candidacies, assessments, .. } = report;
    let unverified = count(events.saturating_sub(*verified));
    let verified = count(*verified);
    let (events, candidacies) = (plural(*events, "event"), plural(*candidacies, "candidacy"));
    let assessments = plural(*assessments, "assessment");
    let held = match report.held {
        _ if no_secret => String::new(),
        0 => ", no signatures are there to verify again".to_owned(),
        held => format!(", {} valid now", plural(held, "signature")),
    };
    format!("{events} ({verified} verified, {unverified} unverified{held}), {candidacies} in {assessments}")
}

fn failure(error: StoreError, file: &Path) -> Failure {
    let is_ours = match &error {
        StoreError::Io(error) => error.kind() != io::ErrorKind::NotFound,
        error => {
            matches!(error, StoreError::Damaged { .. } | StoreError::Unusable { .. } | StoreError::Sqlite(_))
        }
    };
    let line = error.of_file(file).to_string();
    if is_ours { Failure::running(line) } else { Failure::usage(line) }
}
