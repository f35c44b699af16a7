//! `invigil verify`: whether one request's signature holds and, if not, exactly why.

use std::io::{Read, Write};

use super::failure::Failure;
use super::settings;
use crate::clock;
use crate::domain::clean::Clean;
use crate::domain::count::plural;
use crate::domain::delivery::Headers;
use crate::domain::duration::{Duration, age};
use crate::domain::envelope;
use crate::domain::id;
use crate::domain::refusal::Code;
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
    #[arg(
        long,
        value_name = "ID",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub id: String,
    /// The header svix-timestamp
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub timestamp: String,
    /// The header svix-signature, whole
    #[arg(
        long,
        value_name = "SIGNATURE",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub signature: String,
    /// When it arrived: RFC 3339 or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// How old or new the timestamp may be
    #[arg(long, value_name = "TIME", default_value = "5m", allow_hyphen_values = true)]
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
        Err(fault) => {
            // Of a request that was captured long ago one wants to know all the same whether it was signed so.
            let untimely = matches!(fault.code, Code::TimestampTooOld | Code::TimestampTooNew);
            let itself = untimely.then(|| signature::verify(&headers, &body, &keyring, i64::MAX, at));
            does_not(fault, itself.as_ref(), &keyring, &body)
        }
    };
    // A reader that has gone has what it wanted.
    let _ = out.write_all(text.as_bytes());
    match verdict {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure::running(format!("the request is refused: {}", fault.code.word()))),
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
    format!("body       {}: {}\n", plural(body.len() as u64, "byte"), Clean::of(&said))
}

fn holds(verified: &Verified, keyring: &Keyring, at: Timestamp, body: &[u8]) -> String {
    let tail = tail(verified, keyring);
    let created = id::created_at(&verified.id).map(|time| format!(", made at {time}")).unwrap_or_default();
    format!(
        "verified   the signature holds, under the secret ending in …{tail}\nid         {}{created}\n\
         timestamp  {}, {}\n{}",
        Clean::of(&verified.id),
        verified.sent_at,
        before(at.secs() - verified.sent_at.secs()),
        about(body)
    )
}

/// The end of the secret that has signed.
fn tail<'a>(verified: &Verified, keyring: &'a Keyring) -> &'a str {
    keyring.secrets().get(verified.key).map_or("", |secret| secret.tail())
}

/// How long before it arrived something was sent.
fn before(secs: i64) -> String {
    let way = if secs < 0 { "after it arrived" } else { "before it arrived" };
    format!("{} {way}", age(secs.unsigned_abs()))
}

fn does_not(
    fault: &Fault,
    itself: Option<&Result<Verified, Fault>>,
    keyring: &Keyring,
    body: &[u8],
) -> String {
    let sent = fault.clock_off_secs.map(|off| format!("timestamp  {}\n", before(off)));
    let itself = itself.map(|itself| match itself {
        Ok(verified) => {
            format!("signature  holds, under the secret ending in …{}\n", tail(verified, keyring))
        }
        Err(fault) => format!("signature  does not hold either: {}\n", fault.sentence),
    });
    format!(
        "refused    {}\nwhy        {}\n{}{}{}",
        fault.code.word(),
        fault.sentence,
        sent.unwrap_or_default(),
        itself.unwrap_or_default(),
        about(body)
    )
}
