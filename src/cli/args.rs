//! The command line: every command and option of invigil, and what `--help` says of them.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::authorities::Authorities;
use super::relay::Choice as Relay;
use super::settings;
use super::size::Size;
use crate::client::url::Url;
use crate::domain::duration::Duration;
use crate::domain::secret::Given;
use crate::source::peer::{Network, Senders};
use crate::source::relay::address::Address;

/// Watch Testlify webhooks live in the terminal.
///
/// Verifies, keeps and acknowledges every event, and shows assessments, candidates and proctoring
/// violations as they happen. `invigil demo` shows it with no set-up.
#[derive(Debug, Parser)]
#[command(name = "invigil", version, long_version = version(), disable_help_subcommand = true, propagate_version = true)]
#[command(after_help = "Examples:\n  invigil demo                               see it work, no set-up\n  \
    invigil --secret-file secret.txt           listen on 127.0.0.1:8080\n  \
    invigil serve --session rollout.sqlite     the same without a screen\n  \
    invigil export rollout.sqlite -o out.json  save a session as JSON")]
pub struct Cli {
    /// What to do; without one, `watch`.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of `watch`, when no command is named.
    #[command(flatten)]
    pub watch: Options,
    /// Config file [default: config.toml in the config directory, if there is one]
    #[arg(long, value_name = "FILE", env = "INVIGIL_CONFIG", global = true)]
    pub config: Option<PathBuf>,
}

/// What tells one build from another.
fn version() -> String {
    let commit = env!("INVIGIL_COMMIT");
    let commit = if commit.is_empty() { "commit not known" } else { commit };
    format!("{} ({commit}, SQLite {})", env!("CARGO_PKG_VERSION"), crate::store::sqlite_version())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Listen, keep and show (the default)
    Watch(Options),
    /// Listen and keep without a screen: for a server, a container, systemd
    Serve(Serve),
    /// See it work: a made-up rollout is signed and sent to a listener of its own
    Demo(Demo),
    /// Look on at a session that another invigil holds, on the same screen (see --control)
    Attach(super::attach::Args),
    /// Browse a saved session (SQLite or exported JSON); listens to nothing, changes nothing
    Open(Open),
    /// Write a session as JSON, NDJSON or CSV
    Export(Export),
    /// Check that a session file is whole and says what its events say; exits 1 if not
    Check(super::check::Args),
    /// Remove one person from a session file for good
    Forget(super::forget::Args),
    /// Put events that were exported or captured into a session
    Import(super::import::Args),
    /// Send a made-up rollout, signed, to any URL
    Simulate(super::simulate::Args),
    /// Explain whether one request's signature holds and, if not, exactly why
    Verify(super::verify::Args),
    /// Print what `watch` and `serve` would run with and where each value comes from, as a config file
    Config(Serve),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page, or write those of all commands
    Man(Man),
    /// Print what `--help` says, of invigil or of a command
    Help {
        /// The command; without one, invigil as a whole
        command: Option<String>,
    },
}

/// Options of `man`.
#[derive(Debug, Clone, Args)]
pub struct Man {
    /// The command that it is about; without one, invigil as a whole
    pub command: Option<String>,
    /// Write the pages of invigil and of each command into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}

/// Options of `watch` and `serve`. Each is declared here and nowhere else: that makes it a key of the config file
/// and, with `env`, a variable `INVIGIL_…` (a test holds the three names together). What must never be printed
/// says `hide_env_values`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "INVIGIL_LISTEN", default_value = "127.0.0.1:8080",
        value_parser = settings::address)]
    pub listen: SocketAddr,
    /// Certificate chain (PEM) for a TLS of its own; read anew when the file changes
    #[arg(long, value_name = "FILE", env = "INVIGIL_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM) of that certificate
    #[arg(long, value_name = "FILE", env = "INVIGIL_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Proxy whose word on who sends is taken (Forwarded, X-Forwarded-For): an address or a network; may be
    /// repeated
    #[arg(long, value_name = "CIDR", env = "INVIGIL_TRUST_PROXY", value_delimiter = ',')]
    pub trust_proxy: Vec<Network>,
    /// Take deliveries from these senders alone: an address, a network, or `svix` for the addresses that Svix
    /// publishes; may be repeated
    #[arg(long, value_name = "CIDR", env = "INVIGIL_ALLOW", value_delimiter = ',')]
    pub allow: Vec<Senders>,
    /// Path that takes webhooks
    #[arg(long, env = "INVIGIL_PATH", default_value = "/webhook", value_parser = settings::plain_path)]
    pub path: String,
    /// Signing secret, whsec_…; may be repeated, any one may match. Other users of this machine can see a
    /// command line: prefer --secret-file or the variable
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with signing secrets, one a line; a line that begins with # is a comment
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
    /// Accept unsigned deliveries too; each is marked unverified
    #[arg(long, env = "INVIGIL_NO_VERIFY", value_parser = settings::switch)]
    pub no_verify: bool,
    /// How old or new a delivery's timestamp may be
    #[arg(
        long,
        value_name = "TIME",
        env = "INVIGIL_TOLERANCE",
        default_value = "5m",
        allow_hyphen_values = true
    )]
    pub tolerance: Duration,
    /// Largest body taken
    #[arg(
        long,
        value_name = "SIZE",
        env = "INVIGIL_MAX_BODY",
        default_value = "2MiB",
        allow_hyphen_values = true
    )]
    pub max_body: Size,
    /// Remove what is older than this, 90d for instance; at least an hour [default: nothing is removed]
    #[arg(long, value_name = "TIME", env = "INVIGIL_RETAIN", value_parser = super::settings::retention)]
    pub retain: Option<Duration>,
    /// Session file; an existing one is continued [default: a new dated file in the data directory]
    #[arg(long, value_name = "FILE", env = "INVIGIL_SESSION")]
    pub session: Option<PathBuf>,
    /// Take deliveries from the Svix relay too: a public URL with no tunnel and no account, the same as long
    /// as the session is. A TOKEN of one's own is used as it is
    #[arg(long, value_name = "TOKEN", num_args = 0..=1, default_value = "off", default_missing_value = "on",
        env = "INVIGIL_RELAY", hide_env_values = true)]
    pub relay: Relay,
    /// Another relay, wss:// or, for tests, ws:// [default: the public one of Svix]
    #[arg(long, value_name = "URL", env = "INVIGIL_RELAY_URL", value_parser = Address::parse)]
    pub relay_url: Option<Address>,
    /// Pass each event on to your own code: POST to this URL, body and headers as they came. What fails is tried
    /// again, then given up and shown; `r` sends again by hand
    #[arg(long, value_name = "URL", env = "INVIGIL_FORWARD_TO", value_parser = Url::parse)]
    pub forward_to: Option<Url>,
    /// Whom the relay and the target of forwarding are trusted by.
    #[command(flatten)]
    pub authorities: Authorities,
    /// Address where others look on with `invigil attach` and Prometheus reads /metrics; off by default. Others
    /// than loopback addresses need a token
    #[arg(long, value_name = "ADDR", env = "INVIGIL_CONTROL", value_parser = settings::address)]
    pub control: Option<SocketAddr>,
    /// Token asked of whoever looks on. Other users of this machine can see a command line: prefer
    /// --control-token-file or the variable
    #[arg(long, value_name = "TOKEN", env = "INVIGIL_CONTROL_TOKEN", hide_env_values = true)]
    pub control_token: Option<Given>,
    /// File with that token
    #[arg(long, value_name = "FILE", env = "INVIGIL_CONTROL_TOKEN_FILE")]
    pub control_token_file: Option<PathBuf>,
    /// Colours: dark, light, contrast or mono [default: what suits the terminal]
    #[arg(long, value_name = "NAME", env = "INVIGIL_THEME")]
    pub theme: Option<String>,
    /// Write what happens to this file too, one JSON line a happening
    #[arg(long, value_name = "FILE", env = "INVIGIL_LOG_FILE")]
    pub log_file: Option<PathBuf>,
}

/// Options of `serve`: those of `watch`, and what only makes sense without a screen.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// The options that both have.
    #[command(flatten)]
    pub options: Options,
    /// Write each event as a line of JSON on standard output as it is committed, in the form of `export --format
    /// ndjson`; what else `serve` says there goes to standard error
    #[arg(long, env = "INVIGIL_EVENTS", value_parser = settings::switch)]
    pub events: bool,
}

/// Options of `demo`.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// The same number tells the same story
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Colours: dark, light, contrast or mono [default: what suits the terminal]
    #[arg(long, value_name = "NAME", env = "INVIGIL_THEME")]
    pub theme: Option<String>,
}

/// Options of `open`.
#[derive(Debug, Clone, Args)]
pub struct Open {
    /// The session: a SQLite file of invigil's, or an exported JSON; without one, a list of the saved ones
    pub file: Option<PathBuf>,
    /// Where `r` sends an event again, or all that the filter shows
    #[arg(long, value_name = "URL", env = "INVIGIL_FORWARD_TO", value_parser = Url::parse)]
    pub forward_to: Option<Url>,
    /// Whom to trust there.
    #[command(flatten)]
    pub authorities: Authorities,
    /// Secret to sign afresh with what is sent again, whsec_…; may be repeated
    #[arg(long, value_name = "SECRET", env = "INVIGIL_SECRET", hide_env_values = true)]
    pub secret: Vec<Given>,
    /// File with such secrets, one a line
    #[arg(long, value_name = "FILE", env = "INVIGIL_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,
    /// Colours: dark, light, contrast or mono [default: what suits the terminal]
    #[arg(long, value_name = "NAME", env = "INVIGIL_THEME")]
    pub theme: Option<String>,
}

/// Options of `export`.
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// The session file
    pub file: PathBuf,
    /// Where to write; `-` is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    pub out: PathBuf,
    /// The form
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub format: Format,
    /// Only what this filter chooses, like 'status:completed score<50'
    #[arg(long, value_name = "EXPR", allow_hyphen_values = true)]
    pub filter: Option<String>,
    /// Replace names, e-mail addresses, IP addresses, coordinates and links by stable pseudonyms
    #[arg(long)]
    pub redact: bool,
}

/// The forms a session is exported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One document with everything
    Json,
    /// One event a line
    Ndjson,
    /// A table of events, without payloads
    Csv,
}
