//! `serve` as a supervisor and a pipe meet it: events on standard output, a log that is rotated, readiness.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;

use super::support::SECRET;
use super::support::command::{invigil, run};
use super::support::serving::{ask, signed, until};

struct Program {
    child: Child,
    out: Option<Lines<BufReader<ChildStdout>>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Program {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
        let mut command = invigil(&[&serve[..], args].concat(), dir);
        let mut child = command.env("NOTIFY_SOCKET", dir.join("notify")).spawn().unwrap();
        let out = Some(BufReader::new(child.stdout.take().unwrap()).lines());
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, out, err }
    }

    fn out(&mut self) -> String {
        self.out.as_mut().unwrap().next().unwrap().unwrap()
    }

    fn event(&mut self) -> Value {
        serde_json::from_str(&self.out()).unwrap()
    }

    fn err(&mut self) -> String {
        self.err.next().unwrap().unwrap()
    }

    /// The next happening of this kind.
    fn told(&mut self, what: &str) -> Value {
        loop {
            let happening: Value = serde_json::from_str(&self.err()).unwrap();
            if happening["what"] == what {
                return happening;
            }
        }
    }

    fn stop(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
    }
}

fn url(line: &str) -> &str {
    line.strip_prefix("listening on ").unwrap()
}

/// Sends so many made-up messages; all are taken.
fn send(url: &str, messages: usize, seed: usize) {
    let (limit, seed) = (messages.to_string(), seed.to_string());
    let simulate = ["simulate", "--to", url, "--secret", SECRET, "--rate", "0", "--duplicates", "0"];
    let home = tempfile::tempdir().unwrap();
    let args = [&simulate[..], &["--candidates", &limit, "--limit", &limit, "--seed", &seed]].concat();
    let report: Value = serde_json::from_str(&run(&args, home.path(), "").out).unwrap();
    assert_eq!(report["accepted"], messages, "{report}");
}

fn export(dir: &Path) -> String {
    run(&["export", "s.sqlite", "--format", "ndjson"], dir, "").out
}

#[test]
fn events_are_written_as_they_are_committed_and_only_they() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &["--events"]);
    let listening = program.err();
    send(url(&listening), 30, 1);
    let mut events: Vec<_> = (0..30).map(|_| program.out()).collect();
    program.stop();
    assert!(program.child.wait().unwrap().success());
    assert!(program.out.take().unwrap().next().is_none(), "nothing else");
    let exported = export(dir.path());
    assert_eq!(
        events,
        exported.lines().collect::<Vec<_>>(),
        "as an export has them, in the order of arrival"
    );

    let mut program = Program::start(dir.path(), &["--events"]);
    let listening = program.err();
    send(url(&listening), 10, 2);
    events.clear();
    events.extend((0..10).map(|_| program.out()));
    assert!(!exported.contains(&events[0]), "what was there before is not written again");
    program.stop();
    assert!(program.child.wait().unwrap().success());
}

/// More than a pipe and a queue hold, which nobody reads: it answers, keeps, logs to its file and ends as if somebody
/// did. Somebody who reads late is told that there was more.
#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &["--log-file", "log.jsonl"]);
    let listening = program.out();
    send(url(&listening), 6_000, 1);
    let log = || std::fs::read_to_string(dir.path().join("log.jsonl")).unwrap();
    until("all are in the file", || log().matches("\"what\":\"event\"").count() == 6_000);
    program.stop();
    until("it ends", || program.child.try_wait().unwrap().is_some());
    assert!(program.child.wait().unwrap().success());
    assert!(log().lines().last().unwrap().contains("\"what\":\"stopped\""));
    assert_eq!(export(dir.path()).lines().count(), 6_000);

    let mut program = Program::start(dir.path(), &["--log-file", "log.jsonl"]);
    let listening = program.out();
    send(url(&listening), 6_000, 2);
    until("all are in the file", || log().matches("\"what\":\"event\"").count() == 12_000);
    let reading = std::thread::spawn(move || (program.told("notice"), program));
    let mut seeds = 3..;
    until("somebody reads", || {
        send(url(&listening), 1, seeds.next().unwrap());
        reading.is_finished()
    });
    let (told, _program) = reading.join().unwrap();
    assert!(told["text"].as_str().unwrap().contains("left out here, where nobody read"), "{told}");
}

/// The log of a server goes to a pipe that is full, and then its last line does.
#[test]
fn a_last_line_that_nobody_reads_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let (_reader, mut writer) = std::io::pipe().unwrap();
    let blocking = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, blocking | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'.'; 4096]).is_ok() {}
    fcntl_setfl(&writer, blocking).unwrap();
    let mut child = invigil(&["export", "none.sqlite"], dir.path()).stderr(writer).spawn().unwrap();
    until("it ends", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// Many at once are as many lines.
#[test]
fn every_refusal_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &[]);
    let listening = program.out();
    let forge = ["simulate", "--to", url(&listening), "--secret", SECRET, "--rate", "0", "--forged", "1"];
    let report = run(&[&forge[..], &["--limit", "200"]].concat(), dir.path(), "").out;
    let refused = serde_json::from_str::<Value>(&report).unwrap()["refused"].as_u64().unwrap();
    program.stop();
    let lines = program.err.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let told: Vec<_> = lines.filter(|line| line["what"] == "refused" || line["what"] == "notice").collect();
    assert!(refused > 50 && told.len() as u64 == refused, "{refused}: {told:?}");
}

#[test]
fn a_pipe_that_breaks_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &["--events"]);
    let listening = program.err();
    send(url(&listening), 1, 1);
    assert_eq!(program.event()["deliveries"], 1);
    drop(program.out.take());
    send(url(&listening), 5, 2);
    let told = program.told("events_unread");
    assert!(told["why"].as_str().unwrap().contains("pipe"), "{told}");
    send(url(&listening), 5, 3);
    program.stop();
    assert_eq!(program.told("stopped")["events"], 11);
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn a_reader_that_does_not_read_holds_up_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &["--events", "--log-file", "a.log"]);
    let listening = program.err();
    // More than a pipe and the buffers before it hold.
    send(url(&listening), 400, 1);
    while program.told("event")["seq"] != 400 {}
    assert!(program.told("notice")["text"].as_str().unwrap().contains("nobody reads standard output"));
    let stopped = Instant::now();
    program.stop();
    assert_eq!(program.told("events_unread")["why"], "nobody reads it");
    assert_eq!(program.told("stopped")["events"], 400);
    assert!(program.child.wait().unwrap().success());
    assert!(stopped.elapsed() < Duration::from_secs(10), "{:?}", stopped.elapsed());
    assert_eq!(export(dir.path()).lines().count(), 400);
}

#[test]
fn a_supervisor_hears_when_it_is_ready_and_when_it_stops() {
    let dir = tempfile::tempdir().unwrap();
    let socket = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let heard = || {
        let mut text = [0; 256];
        let length = loop {
            match socket.recv(&mut text) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => break received.unwrap(),
            }
        };
        String::from_utf8(text[..length].to_vec()).unwrap()
    };
    let mut program = Program::start(dir.path(), &[]);
    assert_eq!(heard(), "READY=1");
    let listening = program.out();
    send(url(&listening), 1, 1);
    program.stop();
    assert_eq!(heard(), "STOPPING=1");
    assert!(program.child.wait().unwrap().success());
}

#[test]
fn the_log_is_begun_anew_when_it_is_moved_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &["--log-file", "a.log"]);
    let listening = program.out();
    send(url(&listening), 3, 1);
    while program.told("event")["seq"] != 3 {}
    std::fs::rename(dir.path().join("a.log"), dir.path().join("a.log.1")).unwrap();
    send(url(&listening), 2, 2);
    program.stop();
    assert!(program.child.wait().unwrap().success());
    let log = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    let both = format!("{}{}", log("a.log.1"), log("a.log"));
    let lines: Vec<Value> = both.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<_> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5], "no line is lost or doubled");
    assert_eq!(lines.last().unwrap()["what"], "stopped");
    assert!(log("a.log").lines().count() >= 3, "the new file has what came after");
}

#[test]
fn a_log_whose_directory_is_gone_is_told_of_once_and_begun_anew_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let mut program = Program::start(dir.path(), &["--log-file", "logs/a.log"]);
    let listening = program.out();
    send(url(&listening), 2, 1);
    while program.told("event")["seq"] != 2 {}
    std::fs::remove_dir_all(&logs).unwrap();
    send(url(&listening), 1, 2);
    let why = program.told("warning")["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("--log-file logs/a.log: was moved away or deleted"), "{why}");
    send(url(&listening), 1, 3);
    while program.told("event")["seq"] != 4 {}
    std::fs::create_dir(&logs).unwrap();
    send(url(&listening), 2, 4);
    program.stop();
    let rest: Vec<Value> =
        program.err.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(program.child.wait().unwrap().success());
    assert!(rest.iter().all(|line| line["what"] != "warning"), "told once: {rest:?}");
    let log = std::fs::read_to_string(logs.join("a.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter_map(|line| line["seq"].as_u64()).collect::<Vec<_>>(), [5, 6]);
}

/// A known id with another body: the log names it, but not without end.
#[test]
fn a_conflict_is_told_with_its_id_and_many_of_them_by_each_doubling() {
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::start(dir.path(), &[]);
    let listening = program.out();
    let host = url(&listening).strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let mut post = |id: &str, body: &str| {
        assert_eq!(ask(&mut stream, &signed(id, body, 0)).unwrap().status, 204);
    };
    let long = "x".repeat(200);
    for id in ["msg_1", &long] {
        post(id, "the first");
        post(id, "the first");
    }
    post(&long, "another");
    for n in 0..40 {
        post("msg_1", &format!("another {n}"));
    }
    program.stop();
    let lines = program.err.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let notices: Vec<_> = lines.filter(|line| line["what"] == "notice").collect();
    let texts: Vec<_> = notices.iter().map(|notice| notice["text"].as_str().unwrap()).collect();
    assert_eq!(texts.len(), 12, "each of ten, then when there are 16 and 32: {texts:#?}");
    assert!(texts[0].starts_with(&format!("`{}` came again", "x".repeat(80))), "{}", texts[0]);
    assert!(texts[1].contains("`msg_1`") && texts[1].contains("the first one is kept"), "{}", texts[1]);
    assert!(texts[11].contains("32 such deliveries"), "{}", texts[11]);
    assert!(program.child.wait().unwrap().success());
}
