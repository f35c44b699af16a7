//! The port of the running program, as strangers find it: whatever they send, good traffic is answered.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

mod attack;
mod lies;
mod people;
mod tls;

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use invigil::clock;
use invigil::domain::secret::Secret;

use super::support::SECRET;
use super::support::command::at_home;

const BODY: &str = include_str!("../../assets/samples/candidate.completed.json");

/// A running `invigil serve`, killed in the end.
struct Served {
    child: Child,
    address: SocketAddr,
    /// What it said on stdout first.
    said: String,
    stderr: Lines<BufReader<ChildStderr>>,
    dir: tempfile::TempDir,
}

impl Served {
    fn with(args: &[&str]) -> Self {
        Self::run_by(Command::new(env!("CARGO_BIN_EXE_invigil")), args)
    }

    /// Run by a command that the arguments are given to.
    fn run_by(command: Command, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let loopback: &[&str] = if args.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let serve = ["serve", "--secret", SECRET, "--session", "s.sqlite"];
        let mut command = at_home(command, dir.path());
        let mut child = command.args(serve).args(loopback).args(args).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let address = said.split("//").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let Ok(address) = address.parse() else {
            let mut why = String::new();
            child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
            panic!("it does not listen: {said}{why}");
        };
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, address, said, stderr, dir }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// Everything that comes back until the other end closes; what it does not take any more is not sent.
    fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        rest(stream)
    }

    /// Good traffic is answered.
    fn check(&self) {
        let said = self.say(&signed().closing().bytes());
        assert!(said.starts_with("HTTP/1.1 204 "), "{said}");
    }

    /// The next line of the log with this word in it.
    fn line_with(&mut self, word: &str) -> String {
        self.stderr.by_ref().map(Result::unwrap).find(|line| line.contains(word)).unwrap()
    }

    /// Resident memory, in MiB.
    fn resident(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() >> 10
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is still to be read, made text.
fn rest(mut stream: impl Read) -> String {
    let mut read = Vec::new();
    // A connection that is reset has said what it has said.
    let _ = stream.read_to_end(&mut read);
    String::from_utf8_lossy(&read).into_owned()
}

/// A signed delivery of an event of its own, to be varied.
struct Request {
    line: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
}

fn signed() -> Request {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let (id, now) = (format!("msg_{}", NEXT.fetch_add(1, Ordering::Relaxed)), clock::now().secs());
    let signature = Secret::parse(SECRET).unwrap().sign(&id, now, BODY.as_bytes());
    let headers = vec![
        "Host: hooks.example.com".to_owned(),
        format!("svix-id: {id}"),
        format!("svix-timestamp: {now}"),
        format!("svix-signature: {signature}"),
    ];
    Request { line: "POST /webhook HTTP/1.1", headers, body: BODY.into() }
}

impl Request {
    fn header(mut self, header: impl Into<String>) -> Self {
        self.headers.push(header.into());
        self
    }

    fn closing(self) -> Self {
        self.header("Connection: close")
    }

    fn line(self, line: &'static str) -> Self {
        Self { line, ..self }
    }

    /// Cuts the body into chunks of this size.
    fn chunked(self, size: usize) -> Self {
        let mut body = Vec::new();
        for piece in self.body.chunks(size) {
            body.extend(
                format!("{:x}\r\n", piece.len()).bytes().chain(piece.iter().copied()).chain(*b"\r\n"),
            );
        }
        body.extend(b"0\r\n\r\n");
        Self { body, ..self }.header("Transfer-Encoding: chunked")
    }

    fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// As it goes over the wire; its length is told unless the headers say how long it is.
    fn bytes(self) -> Vec<u8> {
        let tells = |header: &String| {
            let header = header.to_lowercase();
            header.starts_with("content-length") || header.starts_with("transfer-encoding")
        };
        let mut head = format!("{}\r\n{}\r\n", self.line, self.headers.join("\r\n"));
        if !self.headers.iter().any(tells) {
            head.extend(["Content-Length: ", &self.body.len().to_string(), "\r\n"]);
        }
        [head.as_bytes(), b"\r\n", &self.body].concat()
    }
}
