//! What `watch` and `serve` run with: defaults, then the config file, then the environment, then the
//! command line, each over the one before.
#![expect(clippy::disallowed_methods, reason = "the config and secret files are read here")]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::args::Options;
use super::failure::Failure;
use super::relay::{Choice, Wanted};
use crate::app::call::By;
use crate::app::keymap::Keymap;
use crate::domain::alert::{Rule, Rules};
use crate::domain::filter::nearest;
use crate::domain::secret::{Keyring, Secret};

/// Everything decided and checked.
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
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
    /// The session file; `None` means a new dated one.
    pub session: Option<PathBuf>,
    /// The relay to listen at too.
    pub relay: Option<Wanted>,
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

/// The keys of the config file: the long options with underscores.
const KEYS: [&str; 15] = [
    "alert_by",
    "alerts",
    "keys",
    "listen",
    "path",
    "secret",
    "secret_file",
    "no_verify",
    "tolerance",
    "max_body",
    "session",
    "relay",
    "relay_url",
    "theme",
    "log_file",
];

impl Settings {
    /// Puts the layers together and reads the secrets.
    ///
    /// # Errors
    /// One line that names the option or the key that is wrong.
    pub fn from_options(options: Options) -> Result<Self, Failure> {
        let file = ConfigFile::read(options.config.as_deref())?;
        let path = options.path.or(file.text("path")?).unwrap_or_else(|| "/webhook".into());
        if !path.starts_with('/') || path == "/healthz" || path.contains(['?', '#', ' ', '{', '}']) {
            return Err(Failure::usage(format!(
                "--path {path}: must begin with `/`, be a plain path and not /healthz"
            )));
        }
        let mut secrets = options.secret;
        if secrets.is_empty() {
            secrets = file.texts("secret")?;
        }
        let secret_file = options.secret_file.or(file.text("secret_file")?.map(PathBuf::from));
        Ok(Self {
            listen: options
                .listen
                .or(file.parsed("listen")?)
                .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
            path,
            keyring: keyring(&secrets, secret_file.as_deref())?,
            no_verify: options.no_verify || file.flag("no_verify")?,
            tolerance_secs: options
                .tolerance
                .or(file.parsed("tolerance")?)
                .map_or(300, |tolerance| i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX)),
            max_body: options.max_body.or(file.parsed("max_body")?).map_or(2 << 20, super::size::Size::bytes),
            session: options.session.or(file.text("session")?.map(PathBuf::from)),
            relay: Wanted::from_options(
                options.relay.map_or_else(|| file.relay(), Ok)?,
                options.relay_url.or(file.text("relay_url")?).as_deref(),
            )?,
            looks: file.looks(options.theme)?,
            log_file: options.log_file.or(file.text("log_file")?.map(PathBuf::from)),
        })
    }
}

/// What `demo` and `open` take from the config file, where there is one, and the theme that was asked for.
///
/// # Errors
/// One line that names the key that is wrong.
pub fn looks(theme: Option<&str>) -> Result<Looks, Failure> {
    ConfigFile::read(None)?.looks(theme.map(str::to_owned))
}

/// The secrets of the command line or environment, and those of a file.
///
/// # Errors
/// One line that names the option and says what is wrong with the secret, never the secret.
pub fn keyring(given: &[String], file: Option<&Path>) -> Result<Keyring, Failure> {
    let mut secrets = Vec::new();
    // One variable can hold several, with commas between; a signature has a comma of its own.
    let texts = given.iter().flat_map(|text| {
        let signature = text.trim_start().starts_with("v1");
        if signature { vec![text.as_str()] } else { text.split(',').collect() }
    });
    for text in texts {
        secrets.push(Secret::parse(text).map_err(|error| Failure::usage(format!("--secret: {error}")))?);
    }
    if let Some(file) = file {
        let name = file.display();
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("--secret-file {name}: cannot be read: {error}")))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
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

/// The config file as read: every key known, values not looked at yet.
struct ConfigFile {
    name: String,
    table: toml::Table,
}

impl ConfigFile {
    fn read(named: Option<&Path>) -> Result<Self, Failure> {
        let default = super::places::config_file();
        let path = named.map(Path::to_path_buf).or(default).unwrap_or_default();
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if named.is_some() => {
                return Err(Failure::usage(format!("--config {name}: cannot be read: {error}")));
            }
            // No config file is the usual case.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::usage(format!("config {name}: cannot be read: {error}"))),
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error
                .span()
                .map_or(1, |span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            Failure::usage(format!("config {name}, line {line}: {}", error.message()))
        })?;
        if let Some(key) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let near = nearest(key, &KEYS);
            let hint = near.map_or_else(|| KEYS.join(", "), |near| format!("did you mean `{near}`?"));
            return Err(Failure::usage(format!("config {name}: no key `{key}`; {hint}")));
        }
        Ok(Self { name, table })
    }

    fn wrong(&self, key: &str, what: impl std::fmt::Display) -> Failure {
        Failure::usage(format!("config {}, key `{key}`: {what}", self.name))
    }

    fn text(&self, key: &str) -> Result<Option<String>, Failure> {
        match self.table.get(key) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "must be a text in quotes")),
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, Failure> {
        let wrong = || self.wrong(key, "must be a text in quotes or a list of them");
        match self.table.get(key) {
            None => Ok(Vec::new()),
            Some(toml::Value::String(text)) => Ok(vec![text.clone()]),
            Some(toml::Value::Array(list)) => {
                list.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    fn looks(&self, theme: Option<String>) -> Result<Looks, Failure> {
        let rules = self.texts("alerts")?.into_iter().map(|text| text.parse::<Rule>());
        let rules = rules.collect::<Result<_, _>>().map_err(|error| self.wrong("alerts", error))?;
        let alert_by = match self.table.get("alert_by") {
            None => By::default(),
            Some(_) => By::from_words(&self.texts("alert_by")?).map_err(|why| self.wrong("alert_by", why))?,
        };
        let theme = theme.or(self.text("theme")?);
        Ok(Looks { theme, keymap: self.keymap()?, rules: Rules::new(rules), alert_by })
    }

    /// The built-in keys with the table `keys` laid over them.
    fn keymap(&self) -> Result<Keymap, Failure> {
        let mut keymap = Keymap::built_in().map_err(|error| Failure::running(error.to_string()))?;
        if let Some(table) = self.table.get("keys") {
            let text =
                toml::to_string(table).map_err(|_not_a_table| self.wrong("keys", "must be a table"))?;
            keymap.merge(&text).map_err(|error| self.wrong("keys", error))?;
        }
        Ok(keymap)
    }

    /// A switch, or a token in quotes.
    fn relay(&self) -> Result<Choice, Failure> {
        match self.table.get("relay") {
            Some(toml::Value::Boolean(true)) => Ok(Choice::On),
            Some(toml::Value::Boolean(false)) => Ok(Choice::Off),
            _ => Ok(self.parsed("relay")?.unwrap_or_default()),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, Failure> {
        match self.table.get(key) {
            None => Ok(false),
            Some(toml::Value::Boolean(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "must be true or false")),
        }
    }

    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<Option<T>, Failure> {
        let text = self.text(key)?;
        text.map(|text| text.parse().map_err(|error| self.wrong(key, error))).transpose()
    }
}
