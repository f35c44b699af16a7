//! The servers measured: each a process of its own, so that processor time can be told apart.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use invigil::domain::delivery::Headers;
use invigil::domain::secret::{Keyring, Secret};
use invigil::domain::{envelope, signature};

use super::client::SECRET;

/// What a server does with a delivery.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Reads the body and answers.
    Bare,
    /// Verifies the signature and decodes the event, and stores nothing.
    VerifyParse,
    /// `invigil serve`: verified, durable, all derived state kept.
    Invigil,
}

impl Kind {
    /// In the order of a round; the first is what the others are compared with.
    pub const ALL: [Self; 3] = [Self::Bare, Self::VerifyParse, Self::Invigil];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum",
            Self::VerifyParse => "verify + parse",
            Self::Invigil => "invigil serve",
        }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    address: SocketAddr,
    session: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts one and waits until it listens.
    pub fn start(kind: Kind) -> Self {
        let session = tempfile::tempdir().expect("a temporary directory");
        let mut command = if matches!(kind, Kind::Invigil) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_invigil"));
            command.args(["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"]);
            command.arg(session.path().join("bench.sqlite"));
            command
        } else {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.env("INVIGIL_BENCH_SERVER", if matches!(kind, Kind::Bare) { "bare" } else { "parse" });
            command
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("the server says where it listens");
        let address = line.split("http://").nth(1).and_then(|rest| rest.trim().split('/').next());
        let address = address.and_then(|text| text.parse().ok()).expect("an address");
        Self { child, address, session: matches!(kind, Kind::Invigil).then_some(session) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time it has used, user and system, in microseconds.
    pub fn cpu_micros(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |n: usize| fields.get(n).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        // Linux counts in hundredths of a second on every platform we run on.
        (ticks(11) + ticks(12)) * 10_000.0
    }

    /// Ends it; for invigil, says how large memory and file have become.
    pub fn stop(mut self) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let of = |key: &str| {
            status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?").trim().to_owned()
        };
        let resident = (of("VmRSS:"), of("VmHWM:"));
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
        let session = self.session?;
        let size = std::fs::metadata(session.path().join("bench.sqlite")).map_or(0, |meta| meta.len());
        Some(format!(
            "invigil: resident {} at the end, {} at most; session file {:.1} MB",
            resident.0,
            resident.1,
            size as f64 / 1e6
        ))
    }
}

/// Runs one of the servers that only exist for comparison.
pub fn run(kind: &str) {
    let keyring = std::sync::Arc::new(Keyring::new(vec![Secret::parse(SECRET).expect("a good secret")]));
    let parse = kind == "parse";
    let handler = move |headers: HeaderMap, body: Bytes| {
        let keyring = std::sync::Arc::clone(&keyring);
        async move {
            if parse {
                let pairs = headers.iter().map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                });
                let headers = Headers(pairs.collect());
                if signature::verify(&headers, &body, &keyring, 300, invigil::clock::now()).is_err() {
                    return StatusCode::UNAUTHORIZED;
                }
                std::hint::black_box(envelope::decode(&body));
            }
            StatusCode::NO_CONTENT
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("listening on http://{}/webhook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/webhook", post(handler));
        axum::serve(listener, router).await.expect("the server runs");
    });
}
