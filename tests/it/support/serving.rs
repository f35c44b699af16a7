//! The real `serve` on a port of its own, and senders that post to it as Svix does: again, until it is acknowledged.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use invigil::clock;
use invigil::domain::secret::{Keyring, Secret};
use invigil::store::check;
use invigil::store::reader::Reader;

use super::SECRET;
use super::command::invigil;

const SAMPLE: &str = include_str!("../../../assets/samples/candidate.completed.json");
const KINDS: [&str; 5] = ["invited", "enrolled", "in_progress", "completed", "score_updated"];
const SENDERS: usize = 8;
/// Longer than anything here may take on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many rounds a test plays: many more in the long form.
pub(crate) fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("INVIGIL_LONG").is_some() { long } else { short }
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What is sent under a number.
pub(crate) fn body(number: usize) -> String {
    SAMPLE
        .replace("69145db6968cb883ddfc598b", &format!("candidate{}", number % 37))
        .replace("6a019dfcd71395322307e373", &format!("assessment{}", number % 3))
        .replace("\"event\": \"completed\"", &format!("\"event\": \"{}\"", KINDS[number % 5]))
        .replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {}", number % 11))
        .replace("1778491596453", &(1_778_491_596_453 + number * 7 % 1000).to_string())
}

/// An answer: its status, and all of its head.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
}

/// Sends a request on a connection and reads the answer's head.
pub(crate) fn ask(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<Answer> {
    stream.write_all(request)?;
    let mut answer = [0; 2048];
    let length = stream.read(&mut answer)?;
    let head = String::from_utf8_lossy(&answer[..length]).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    status.map(|status| Answer { status, head }).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// A signed delivery, for a clock that is off by so many seconds.
pub(crate) fn signed(id: &str, body: &str, off_secs: i64) -> Vec<u8> {
    let sent_at = clock::now().secs() + off_secs;
    let signature = Secret::parse(SECRET).unwrap().sign(id, sent_at, body.as_bytes());
    format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nsvix-id: {id}\r\nsvix-timestamp: {sent_at}\r\n\
         svix-signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A running `serve`. It is killed when this goes.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) address: String,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Serving {
    pub(crate) fn start(session: &Path) -> Self {
        Self::with(session, |_| {})
    }

    /// Starts it on a session, after the command was changed.
    pub(crate) fn with(session: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let args = ["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session"];
        let mut command = invigil(&args, session.parent().unwrap());
        command.arg(session);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (errors, told) = (child.stderr.take().unwrap(), Arc::clone(&lines));
        std::thread::spawn(move || {
            // An event a line is too much to keep; what matters is what else is told.
            let told_of = |line: &String| !line.contains("\"what\":\"event\"");
            for line in BufReader::new(errors).lines().map_while(Result::ok).filter(told_of) {
                told.lock().unwrap().push(line);
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(url) = line.trim().strip_prefix("listening on http://") else {
            panic!("it does not listen: {line:?} {:?}", lines.lock().unwrap());
        };
        let address = url.split('/').next().unwrap().to_owned();
        Self { child, address, lines }
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, request: &[u8]) -> Answer {
        ask(&mut TcpStream::connect(&self.address).unwrap(), request).unwrap()
    }

    pub(crate) fn health(&self) -> u16 {
        self.ask(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").status
    }

    /// How many of its lines hold a text.
    pub(crate) fn said(&self, part: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    /// Ends it at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap()
    }

    /// It answers 503 with a wish for when to try again, says why once, is unhealthy, and takes nothing.
    pub(crate) fn is_unable(&self, load: &Load) {
        let (faults, refused) = (self.said("\"storage_fault\""), load.unavailable());
        until("503", || load.unavailable() > refused);
        until("a line that says why", || self.said("\"storage_fault\"") >= faults.max(1));
        // What little room is left may do for a smaller group, for a moment.
        until("unhealthy", || self.health() == 503);
        assert!(self.child_runs(), "it went away");
    }

    /// It takes what comes again, by itself, and says so.
    pub(crate) fn is_able(&self, load: &Load) {
        let (recovered, kept) = (self.said("\"storage_recovered\"").max(1), load.acknowledged());
        until("204 again", || load.acknowledged() > kept + SENDERS * 2);
        until("a line that says so", || self.said("\"storage_recovered\"") >= recovered);
        until("healthy", || self.health() == 200);
    }

    fn child_runs(&self) -> bool {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::test_kill_process(pid).is_ok() && TcpStream::connect(&self.address).is_ok()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What all senders of a test share.
#[derive(Default)]
struct Sent {
    next: AtomicUsize,
    acknowledged: Mutex<Vec<usize>>,
    unavailable: AtomicUsize,
    /// Answers that are neither, or a 503 without its header.
    wrong: Mutex<Vec<String>>,
    stop: AtomicBool,
}

/// Senders, and what came of it. It outlives servers: each burst is at one of them.
#[derive(Clone, Default)]
pub(crate) struct Load(Arc<Sent>);

impl Load {
    pub(crate) fn acknowledged(&self) -> usize {
        self.0.acknowledged.lock().unwrap().len()
    }

    pub(crate) fn unavailable(&self) -> usize {
        self.0.unavailable.load(Ordering::Relaxed)
    }

    /// Sends from several threads until the server is gone or the burst is ended.
    pub(crate) fn burst(&self, address: &str) -> Burst {
        self.0.stop.store(false, Ordering::Relaxed);
        let sender = |_| {
            let (address, sent) = (address.to_owned(), Arc::clone(&self.0));
            std::thread::spawn(move || {
                let Ok(mut stream) = TcpStream::connect(address) else { return };
                while !sent.stop.load(Ordering::Relaxed) {
                    let number = sent.next.fetch_add(1, Ordering::Relaxed);
                    if sent.insist(&mut stream, number).is_err() {
                        return;
                    }
                }
            })
        };
        Burst { senders: (0..SENDERS).map(sender).collect(), load: self.clone() }
    }

    /// What was acknowledged is in the file, byte for byte, once, and all that is derived is what the events say.
    pub(crate) fn is_kept(&self, path: &Path) {
        assert!(self.0.wrong.lock().unwrap().is_empty(), "{:?}", self.0.wrong.lock().unwrap());
        let reader = Reader::open(path).unwrap();
        for number in self.0.acknowledged.lock().unwrap().iter() {
            let seq = reader.seq_of(&format!("msg_{number}")).unwrap();
            let seq = seq.unwrap_or_else(|| panic!("msg_{number} was acknowledged and is not there"));
            assert_eq!(reader.detail(seq).unwrap().unwrap().body, body(*number).as_bytes());
        }
        let keyring = Keyring::new(vec![Secret::parse(SECRET).unwrap()]);
        let mut findings = Vec::new();
        let report = check::check(path, &keyring, &mut |line| findings.push(line.to_owned())).unwrap();
        assert_eq!(report.findings, 0, "{findings:?}");
        assert_eq!((report.verified, report.held), (report.events, report.events));
    }
}

impl Sent {
    /// Sends one event until it is acknowledged, as the sender does.
    fn insist(&self, stream: &mut TcpStream, number: usize) -> std::io::Result<()> {
        loop {
            let answer = ask(stream, &signed(&format!("msg_{number}"), &body(number), 0))?;
            match answer.status {
                204 => {
                    self.acknowledged.lock().unwrap().push(number);
                    return Ok(());
                }
                503 if answer.head.contains("retry-after: ") => {
                    self.unavailable.fetch_add(1, Ordering::Relaxed);
                    if self.stop.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                _ => self.wrong.lock().unwrap().push(answer.head),
            }
        }
    }
}

/// Senders at work.
pub(crate) struct Burst {
    senders: Vec<JoinHandle<()>>,
    load: Load,
}

impl Burst {
    /// Waits for so many more acknowledged events.
    pub(crate) fn until_more(&self, count: usize) {
        let target = self.load.acknowledged() + count;
        until("acknowledged", || self.load.acknowledged() >= target);
    }

    /// Waits until the senders have seen that the server is gone.
    pub(crate) fn join(self) {
        self.senders.into_iter().for_each(|sender| sender.join().unwrap());
    }

    /// Ends the senders.
    pub(crate) fn end(self) {
        self.load.0.stop.store(true, Ordering::Relaxed);
        self.join();
    }
}
