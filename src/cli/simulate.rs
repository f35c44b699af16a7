//! `invigil simulate`: sends a made-up campaign to any receiver, as Svix would.

use std::io::Write;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::authorities::Authorities;
use super::failure::Failure;
use super::settings;
use crate::client::url::Url;
use crate::clock;
use crate::domain::count::plural;
use crate::domain::secret::Given;
use crate::simulate::rollout::{Plan, Rollout};
use crate::simulate::sender::{self, Pace, Report, Target};

/// How long ago the campaign began; all of it lies in the past.
const SPAN_MS: i64 = 6 * 3_600_000;
/// Requests under way at a time.
const CONCURRENCY: usize = 64;

/// Options of `simulate`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where to send to, like `http://127.0.0.1:8080/webhook`
    #[arg(long, value_name = "URL", value_parser = Url::parse)]
    pub to: Url,
    /// Whom to trust there.
    #[command(flatten)]
    pub authorities: Authorities,
    /// Signing secret, whsec_…; of several the first signs
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with signing secrets, one a line; the first signs unless one is given otherwise
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
    /// How many candidates are invited
    #[arg(long, value_name = "N", default_value_t = 100, allow_negative_numbers = true)]
    pub candidates: u64,
    /// Messages a second; 0 for as fast as possible
    #[arg(long, value_name = "R", default_value_t = 10.0, value_parser = rate, allow_negative_numbers = true)]
    pub rate: f64,
    /// Share of messages that come twice, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub duplicates: f64,
    /// Share of messages that come after later ones, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = share)]
    pub disorder: f64,
    /// Forged requests to one message, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0, value_parser = share)]
    pub forged: f64,
    /// The same seed makes the same campaign
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Stop after so many messages [default: at the campaign's end]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0);
    number.ok_or_else(|| "give messages a second, like 10, or 0 for as fast as possible".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share));
    number.ok_or_else(|| "give a share from 0 to 1, like 0.05".to_owned())
}

/// Sends the campaign and writes the report on `out`, as one line of JSON.
///
/// # Errors
/// Code 2 if an option is wrong; 1 if a message was given up, or `out` cannot be written.
pub async fn run(args: &Args, stop: &CancellationToken, out: &mut impl Write) -> Result<Report, Failure> {
    let keyring = settings::keyring(&args.secret, args.secret_file.as_deref())?;
    let Some(secret) = keyring.secrets().first().cloned() else {
        return Err(Failure::usage(
            "--secret: is missing; give the receiver's signing secret, it begins with `whsec_`, by --secret-file or INVIGIL_SECRET",
        ));
    };
    let target = Target::new(args.to.clone(), secret, &args.authorities.trust()?);
    let target = target.map_err(|why| Failure::usage(format!("--to: {why}")))?;
    let rollout = Rollout::new(Plan {
        seed: args.seed,
        candidates: args.candidates,
        start: clock::now().plus_millis(-SPAN_MS),
        story_span_ms: SPAN_MS,
        duplicates: args.duplicates,
        disorder: args.disorder,
        forged: args.forged,
    });
    let messages = rollout.take(args.limit.unwrap_or(usize::MAX));
    let pace = Pace { rate: (args.rate > 0.0).then_some(args.rate) };
    let report = sender::run(messages, &target, pace, CONCURRENCY, stop, |_, _| {}).await;
    let line = serde_json::to_string(&report).map_err(|why| Failure::running(why.to_string()))?;
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|why| Failure::running(format!("the report cannot be written: {why}")))?;
    if let Some(why) = &report.why {
        let Report { sent, failed, .. } = report;
        return Err(Failure::running(format!("--to: {failed} of {} failed: {why}", plural(sent, "message"))));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches};

    use super::*;

    fn args(line: &[&str]) -> Result<Args, clap::Error> {
        let matches = Args::augment_args(clap::Command::new("simulate")).try_get_matches_from(line)?;
        Args::from_arg_matches(&matches)
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let to = ["simulate", "--to", "http://127.0.0.1:1/", "--secret", "whsec_AAAABBBBCCCC"];
        let with = |more: &[&'static str]| args(&[&to[..], more].concat());
        assert!(with(&["--rate", "0", "--forged", "1", "--limit", "5"]).is_ok());
        for wrong in [["--rate", "inf"], ["--duplicates", "1.5"], ["--disorder", "NaN"]] {
            assert!(with(&wrong).is_err(), "{wrong:?}");
        }
        assert!(!format!("{:?}", with(&[]).unwrap()).contains("BBBB"));
    }

    #[tokio::test]
    async fn what_is_wrong_with_the_options_is_named() {
        assert!(args(&["simulate", "--to", "nowhere"]).unwrap_err().to_string().contains("--to <URL>"));
        let args = args(&["simulate", "--to", "http://127.0.0.1:1/", "--secret", "short"]).unwrap();
        let failure = run(&args, &CancellationToken::new(), &mut Vec::new()).await.unwrap_err();
        assert!(failure.line.starts_with("--secret") && failure.code == 2, "{}", failure.line);
    }
}
