//! `invigil verify`: whether one request's signature holds and, if not, exactly why.

use std::io::{Read, Write};

use super::failure::Failure;
use super::settings;
use crate::clock;
use crate::domain::clean::Clean;
use crate::domain::delivery::Headers;
use crate::domain::duration::Duration;
use crate::domain::envelope;
use crate::domain::id;
use crate::domain::secret::{Given, Keyring};
use crate::domain::signature::{self, Fault, Verified};
use crate::domain::time::Timestamp;

/// Options of `verify`; the body comes from standard input, byte for byte.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Signing secret, whsec_…; may be repeated
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with signing secrets, one a line
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<std::path::PathBuf>,
    /// The header svix-id (or webhook-id)
    #[arg(long, value_name = "ID", default_value = "", allow_hyphen_values = true)]
    pub id: String,
    /// The header svix-timestamp
    #[arg(long, value_name = "SECONDS", default_value = "", allow_hyphen_values = true)]
    pub timestamp: String,
    /// The header svix-signature, whole
    #[arg(long, value_name = "SIGNATURE", default_value = "", allow_hyphen_values = true)]
    pub signature: String,
    /// When it arrived: RFC 3339 or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How old or new the timestamp may be
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub tolerance: Duration,
}

/// Verifies and explains on `out`.
///
/// # Errors
/// Code 2 if an option is wrong, 1 if the signature does not hold (said on `out`).
pub fn run(args: &Args, mut input: impl Read, out: &mut impl Write) -> Result<(), Failure> {
    let keyring = settings::keyring(&args.secret, args.secret_file.as_deref())?;
    if keyring.is_empty() {
        return Err(Failure::usage(
            "--secret: is missing; give the endpoint's signing secret, it begins with `whsec_`",
        ));
    }
    let at = args.at.as_deref().map_or_else(|| Ok(clock::now()), moment)?;
    let mut body = Vec::new();
    input
        .read_to_end(&mut body)
        .map_err(|error| Failure::running(format!("standard input: the body cannot be read: {error}")))?;
    let named = |name: &str, value: &str| (format!("svix-{name}"), value.to_owned());
    let headers = Headers(vec![
        named("id", &args.id),
        named("timestamp", &args.timestamp),
        named("signature", &args.signature),
    ]);
    let tolerance = i64::try_from(args.tolerance.as_secs()).unwrap_or(i64::MAX);
    let verdict = signature::verify(&headers, &body, &keyring, tolerance, at);
    let text = match &verdict {
        Ok(verified) => holds(verified, &keyring, at, &body),
        Err(fault) => does_not(fault, &body),
    };
    // A reader that has gone has what it wanted.
    let _ = out.write_all(text.as_bytes());
    match verdict {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure::running(format!("the signature does not hold: {}", fault.code.word()))),
    }
}

fn moment(text: &str) -> Result<Timestamp, Failure> {
    let secs = text.parse().ok().and_then(Timestamp::from_secs);
    secs.or_else(|| Timestamp::parse(text)).ok_or_else(|| {
        Failure::usage(format!("--at {text}: write it like 2026-11-23T18:00:00Z, or in seconds since 1970"))
    })
}

fn about(body: &[u8]) -> String {
    let event = envelope::decode(body);
    let said = match (&event.name, event.kind) {
        (Some(name), Some(_)) => name.clone(),
        (Some(name), None) => format!("{name}, which is no event known here"),
        (None, _) if event.is_json => "JSON that is no event".to_owned(),
        (None, _) => "no JSON".to_owned(),
    };
    format!("body       {} bytes: {}\n", body.len(), Clean::of(&said))
}

fn holds(verified: &Verified, keyring: &Keyring, at: Timestamp, body: &[u8]) -> String {
    let tail = keyring.secrets().get(verified.key).map_or("", |secret| secret.tail());
    let created = id::created_at(&verified.id).map(|time| format!(", made at {time}")).unwrap_or_default();
    format!(
        "verified   the signature holds, under the secret ending in …{tail}\nid         {}{created}\n\
         timestamp  {}, {} s before it arrived\n{}",
        Clean::of(&verified.id),
        verified.sent_at,
        at.secs() - verified.sent_at.secs(),
        about(body)
    )
}

fn does_not(fault: &Fault, body: &[u8]) -> String {
    let off = fault.clock_off_secs.map(|off| format!("clock      ours less the sender's: {off} s\n"));
    format!(
        "refused    {}\nwhy        {}\n{}{}",
        fault.code.word(),
        fault.sentence,
        off.unwrap_or_default(),
        about(body)
    )
}
