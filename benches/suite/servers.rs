//! The servers measured: each a process of its own, so that processor time can be told apart.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::client::SECRET;
use super::process::Process;

/// What a server does with a delivery.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Reads the body and answers.
    Bare,
    /// Verifies the signature and decodes the event, and stores nothing.
    VerifyParse,
    /// The same, then appends the body to a file and syncs it, in groups.
    Append,
    /// `invigil serve`: verified, durable, all derived state and indexes kept.
    Invigil,
}

impl Kind {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum",
            Self::VerifyParse => "verify + parse",
            Self::Append => "verify + parse + append, fdatasync",
            Self::Invigil => "invigil serve",
        }
    }

    /// Its name for [`super::baselines::run`].
    pub fn word(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::VerifyParse => "parse",
            Self::Append => "append",
            Self::Invigil => "invigil",
        }
    }
}

/// A running server.
pub struct Server {
    child: Child,
    address: SocketAddr,
    dir: tempfile::TempDir,
}

impl Server {
    /// Starts one with a new session or file, and waits until it listens.
    pub fn start(kind: Kind) -> Self {
        if kind == Kind::Invigil {
            return Self::serve(&[]);
        }
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.env("INVIGIL_BENCH_SERVER", kind.word()).env("INVIGIL_BENCH_FILE", dir.path().join("append"));
        Self::spawn(command, dir)
    }

    /// `invigil serve` with a new session and more options.
    pub fn serve(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = serve(&dir.path().join("bench.sqlite"));
        command.args(more);
        Self::spawn(command, dir)
    }

    /// `invigil serve` on a session that is there.
    pub fn on(session: &Path) -> Self {
        Self::spawn(serve(session), tempfile::tempdir().expect("a temporary directory"))
    }

    /// `invigil serve` with a new session and a control address, and that.
    pub fn with_control() -> (Self, SocketAddr) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut command = serve(&dir.path().join("bench.sqlite"));
        command.args(["--control", "127.0.0.1:0"]);
        let (server, mut out) = Self::listening(command, dir);
        let mut line = String::new();
        out.read_line(&mut line).expect("the server says where one looks on");
        drain(out);
        let control = line.trim().strip_prefix("control ws://").and_then(|text| text.parse().ok());
        (server, control.expect("an address"))
    }

    /// Any command that says `http://ADDRESS/` on its first line once it listens.
    pub fn spawn(command: Command, dir: tempfile::TempDir) -> Self {
        let (server, out) = Self::listening(command, dir);
        drain(out);
        server
    }

    fn listening(mut command: Command, dir: tempfile::TempDir) -> (Self, BufReader<ChildStdout>) {
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
        (Self { child, address, dir }, out)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Its session, if it made one.
    pub fn session(&self) -> PathBuf {
        self.dir.path().join("bench.sqlite")
    }

    /// Ends it in order; its files stay until this is dropped.
    pub fn stop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Reads what else it says, so that it never waits for a reader.
fn drain(mut out: BufReader<ChildStdout>) {
    std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
}

fn serve(session: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_invigil"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"]).arg(session);
    command
}
