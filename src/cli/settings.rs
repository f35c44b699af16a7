//! What `watch` and `serve` run with: the options once more, checked against each other and made ready.
#![expect(clippy::disallowed_methods, reason = "the secret file is read here")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::args::Options;
use super::control::Control;
use super::failure::Failure;
use super::layers::ConfigFile;
use super::relay::Wanted;
use crate::app::call::By;
use crate::app::keymap::Keymap;
use crate::client::trust::Trust;
use crate::client::url::Url;
use crate::domain::alert::{Rule, Rules};
use crate::domain::duration::Duration;
use crate::domain::secret::{Given, Keyring, Secret};
use crate::source::peer::Peers;
use crate::source::tls::Tls;

/// Everything decided and checked.
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// TLS of its own.
    pub tls: Option<Tls>,
    /// Proxies that are believed, and senders that are let in.
    pub peers: Peers,
    /// The path that takes webhooks.
    pub path: String,
    /// The secrets; none means "ask" or, with `no_verify`, "do not care".
    pub keyring: Keyring,
    /// Unsigned deliveries are accepted too.
    pub no_verify: bool,
    /// Seconds a timestamp may be off.
    pub tolerance_secs: i64,
    /// Bytes a body may have.
    pub max_body: usize,
    /// How long events are kept; `None` means for ever.
    pub retain: Option<Duration>,
    /// The session file; `None` means a new dated one.
    pub session: Option<PathBuf>,
    /// The relay to listen at too.
    pub relay: Option<Wanted>,
    /// Where events are passed on to.
    pub forward_to: Option<Url>,
    /// Whom the relay's and the target's certificates may be of.
    pub trust: Trust,
    /// Where others may look on.
    pub control: Option<Control>,
    /// Where happenings are written to.
    pub log_file: Option<PathBuf>,
    /// What the screen takes from the config file.
    pub looks: Looks,
}

/// What every screen takes from the config file.
#[derive(Clone)]
pub struct Looks {
    /// Name of the theme; `None` means what suits the terminal.
    pub theme: Option<String>,
    /// The keys.
    pub keymap: Keymap,
    /// What marks a row and calls somebody.
    pub rules: Rules,
    /// How somebody is called.
    pub alert_by: By,
}

impl Settings {
    /// Puts together what the options and the config file say, and reads the secrets.
    ///
    /// # Errors
    /// One line that names the option or the key that is wrong.
    pub fn new(options: Options, file: &ConfigFile) -> Result<Self, Failure> {
        if let Some(url) =
            options.forward_to.as_ref().filter(|url| url.leads_to(options.listen, &options.path))
        {
            let url = url.shown();
            let why = "is this listener itself, where each event would come a second time; give your own code's URL";
            return Err(Failure::usage(format!("--forward-to {url}: {why}")));
        }
        Ok(Self {
            listen: options.listen,
            tls: tls(options.tls_cert.as_deref(), options.tls_key.as_deref())?,
            peers: Peers::new(&options.trust_proxy, &options.allow),
            path: options.path,
            keyring: keyring(&options.secret, options.secret_file.as_deref())?,
            no_verify: options.no_verify,
            tolerance_secs: i64::try_from(options.tolerance.as_secs()).unwrap_or(i64::MAX),
            max_body: options.max_body.bytes(),
            retain: options.retain,
            session: options.session,
            relay: Wanted::from_options(options.relay, options.relay_url)?,
            forward_to: options.forward_to,
            trust: options.authorities.trust()?,
            control: Control::from_options(
                options.control,
                options.control_token,
                options.control_token_file.as_deref(),
            )?,
            looks: Looks::new(options.theme, file)?,
            log_file: options.log_file,
        })
    }
}

impl Looks {
    /// The theme that was asked for, and what only the config file has.
    ///
    /// # Errors
    /// One line that names the key that is wrong.
    pub fn new(theme: Option<String>, file: &ConfigFile) -> Result<Self, Failure> {
        let rules = file.texts("alerts")?.unwrap_or_default().into_iter().map(|text| text.parse::<Rule>());
        let rules = rules.collect::<Result<_, _>>().map_err(|error| file.wrong("alerts", error))?;
        let alert_by = file.texts("alert_by")?.map(|words| By::from_words(&words)).transpose();
        let alert_by = alert_by.map_err(|why| file.wrong("alert_by", why))?.unwrap_or_default();
        let mut keymap = Keymap::built_in().map_err(|error| Failure::running(error.to_string()))?;
        if let Some(text) = file.table("keys")? {
            keymap.merge(&text).map_err(|error| file.wrong("keys", error))?;
        }
        Ok(Self { theme, keymap, rules: Rules::new(rules), alert_by })
    }
}

/// The certificate and its key, which go together. One may be on the command line, the other in the file.
fn tls(cert: Option<&Path>, key: Option<&Path>) -> Result<Option<Tls>, Failure> {
    match (cert, key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Tls::read(cert, key).map(Some).map_err(Failure::usage),
        (Some(_), None) => Err(Failure::usage("--tls-cert: needs --tls-key beside it")),
        (None, Some(_)) => Err(Failure::usage("--tls-key: needs --tls-cert beside it")),
    }
}

/// The shortest time that events may be kept.
const SHORTEST_RETENTION: u64 = 3600;

/// Reads whether something is wanted.
///
/// # Errors
/// How that is written.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("write true or false".to_owned()),
    }
}

/// Reads for how long events are kept.
///
/// # Errors
/// How such a time is written, or that it is too short.
pub fn retention(text: &str) -> Result<Duration, String> {
    let span: Duration = text.parse()?;
    if span.as_secs() < SHORTEST_RETENTION {
        return Err(format!("{span} is too short: keep events for an hour at least"));
    }
    Ok(span)
}

/// Reads an address to listen on.
///
/// # Errors
/// What such an address must be, with one that may have been meant.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_no_address| {
        let port = text.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(8080_u16);
        format!("must be an IP address and a port, like 127.0.0.1:{port}")
    })
}

/// Reads a path that webhooks may be posted to.
///
/// # Errors
/// What such a path must be.
pub fn plain_path(text: &str) -> Result<String, String> {
    if text.starts_with('/')
        && text != "/healthz"
        && !text.contains(['?', '#', '{', '}'])
        && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Ok(text.to_owned());
    }
    Err("must begin with `/`, be a plain path of ASCII letters and not /healthz".to_owned())
}

/// The secrets of the command line or environment, and those of a file.
///
/// # Errors
/// One line that names the option and says what is wrong with the secret, never the secret.
pub fn keyring(given: &[Given], file: Option<&Path>) -> Result<Keyring, Failure> {
    let mut secrets = Vec::new();
    // One variable can hold several, with commas between; a signature has a comma of its own.
    let texts = given.iter().map(Given::as_str).flat_map(|text| {
        let signature = text.trim_start().starts_with("v1");
        if signature { vec![text] } else { text.split(',').collect() }
    });
    for text in texts {
        secrets.push(Secret::parse(text).map_err(|error| Failure::usage(format!("--secret: {error}")))?);
    }
    if let Some(file) = file {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("--secret-file {name}: cannot be read: {error}")))?;
        let text = Zeroizing::new(text);
        // Some editors write a mark before a text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let told = |line: &str| !line.is_empty() && !line.starts_with('#');
        for (number, line) in text.lines().enumerate().filter(|(_, line)| told(line.trim())) {
            let secret = Secret::parse(line).map_err(|error| {
                Failure::usage(format!("--secret-file {name}, line {}: {error}", number + 1))
            })?;
            secrets.push(secret);
        }
        if secrets.is_empty() {
            return Err(Failure::usage(format!("--secret-file {name}: holds no secret")));
        }
    }
    Ok(Keyring::new(secrets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_before_a_secret_file_is_no_part_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secret.txt");
        for first in ["", "# of the endpoint\r\n"] {
            std::fs::write(&file, format!("\u{feff}{first}whsec_plJ3nmyCDGBKInavdOK15jsl\r\n")).unwrap();
            assert_eq!(keyring(&[], Some(&file)).unwrap().tails(), "…5jsl", "{first:?}");
        }
    }
}
