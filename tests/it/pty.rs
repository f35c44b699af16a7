//! The real binary in a real pseudo-terminal, as a person meets it.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use invigil::domain::secret::{Keyring, Secret};
use invigil::domain::signature::verify;

use super::support::SECRET;
use super::support::relay::FakeRelay;
use super::support::target::{Got, Manner, Target};
use super::support::terminal::Terminal;

pub(crate) const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");

/// Sends one signed event and returns the status line of the answer.
pub(crate) fn post(address: &str, id: &str, body: &str) -> String {
    let now = invigil::clock::now().secs();
    let signature = Secret::parse(SECRET).unwrap().sign(id, now, body.as_bytes());
    let now = now.to_string();
    let headers = [("svix-id", id), ("svix-timestamp", &now), ("svix-signature", &signature)];
    post_with(address, &headers, body)
}

/// Sends a body with these headers and returns the status line of the answer.
pub(crate) fn post_with(address: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".to_owned();
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn an_event_is_received_seen_opened_saved_and_the_terminal_given_back() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(
        &["--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "rollout.sqlite"],
        home.path(),
    );
    for pane in ["Assessments", "Candidates", "Violations", "Events"] {
        terminal.expect(pane);
    }
    let address = terminal.address();
    let body = SAMPLE.replace("\"tabSwitchCount\": 0", "\"tabSwitchCount\": 4");
    assert_eq!(post(&address, "msg_first", &body), "HTTP/1.1 204 No Content");
    assert_eq!(post(&address, "msg_first", &body), "HTTP/1.1 204 No Content");
    terminal.expect("Bea Grant");
    terminal.expect("tab switch");
    terminal.press("2\r");
    terminal.expect("bea.grant@example.com");
    terminal.press("\r");
    terminal.expect("Payload");
    terminal.expect("data {");
    terminal.press("\u{1b}");
    terminal.expect("oldest first");
    terminal.press("s");
    terminal.expect(".json");
    terminal.press("\u{15}saved.json\r");
    terminal.expect("1 event");
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
    let saved: serde_json::Value =
        serde_json::from_slice(&std::fs::read(home.path().join("saved.json")).unwrap()).unwrap();
    assert_eq!(saved["totals"]["deliveries"], 2);
    assert_eq!(saved["violations"][0]["count"], 4);

    let mut again = Terminal::start(&["open", "saved.json"], home.path());
    again.expect("Bea Grant");
    again.expect("tab switch");
    again.press("q");
    assert_eq!(again.end(), 0);
    assert!(again.restored());
}

#[test]
fn without_a_secret_it_asks_and_then_verifies_what_came() {
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(&["--listen", "127.0.0.1:0"], home.path());
    terminal.expect("secret");
    let begun = Instant::now();
    while terminal.address().ends_with(":0") {
        assert!(begun.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(post(&terminal.address(), "msg_early", SAMPLE), "HTTP/1.1 401 Unauthorized");
    terminal.press("v1,nonsense\r");
    terminal.expect("that is a signature");
    terminal.press("\u{15}");
    terminal.press(&format!("\u{1b}[200~{SECRET}\u{1b}[201~\r"));
    terminal.expect("Bea Grant");
    assert!(!terminal.text().contains("LaLaSw"), "the secret is masked");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
}

#[test]
fn the_screen_tells_how_the_relay_is_doing() {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let relay = runtime.block_on(FakeRelay::open());
    let url = relay.url();
    let args = ["--listen", "127.0.0.1:0", "--secret", SECRET, "--relay", "--relay-url", &url];
    let mut terminal = Terminal::start(&args, home.path());
    terminal.expect("relay connecting");
    let (line, token) = runtime.block_on(relay.granted());
    terminal.expect("relay live");
    terminal.expect(&relay.receive(&token));
    terminal.expect("can read what passes");
    terminal.press("yr");
    terminal.expect("Copied the relay URL");
    drop(line);
    // Nobody answers any more.
    drop(relay);
    terminal.expect("relay retrying in");
    terminal.expect("Nothing comes by the relay");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
}

/// The session is taken away while it is watched: the screen says so, and no more once it is back.
#[test]
fn a_session_that_cannot_be_written_is_told_on_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let args = ["--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "rollout.sqlite"];
    let mut terminal = Terminal::start(&args, home.path());
    let address = terminal.address();
    assert_eq!(post(&address, "msg_1", SAMPLE), "HTTP/1.1 204 No Content");
    let [path, away] = ["rollout.sqlite", "away.sqlite"].map(|name| home.path().join(name));
    std::fs::rename(&path, &away).unwrap();
    assert_eq!(post(&address, "msg_2", SAMPLE), "HTTP/1.1 503 Service Unavailable");
    terminal.expect("Events cannot be stored: ");
    terminal.expect("was removed or replaced");
    std::fs::rename(&away, &path).unwrap();
    let begun = Instant::now();
    while terminal.text().contains("cannot be stored") {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", terminal.text());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(post(&address, "msg_2", SAMPLE), "HTTP/1.1 204 No Content");
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
}

#[test]
fn forget_asks_before_it_removes_anything() {
    let home = tempfile::tempdir().unwrap();
    let keeper = super::keeping::Keeper::at(&home.path().join("s.sqlite"));
    let source = invigil::domain::delivery::Source::Http;
    let hostile = SAMPLE.replace("Bea", "Bea\\u001b[2J");
    keeper.take("msg_1", super::keeping::midnight(), source, hostile.as_bytes());
    drop(keeper);
    let id = "69145db6968cb883ddfc598b";
    for (answer, code, told) in [("\r", 1, "nothing was removed"), ("y\r", 0, "removed for good: 1 event of")]
    {
        let mut terminal = Terminal::start(&["forget", "s.sqlite", "--candidate", id], home.path());
        terminal.expect("cannot be undone. [y/N]");
        assert!(terminal.text().contains("Bea␛[2J Grant"), "{}", terminal.text());
        terminal.press(answer);
        terminal.expect(told);
        assert_eq!(terminal.end(), code);
    }
}

/// On a terminal `serve` writes for people, and what is hostile in it stays harmless; through a pipe it writes JSON.
#[test]
fn serve_writes_lines_for_people_on_a_terminal() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
    let mut terminal = Terminal::start(&args, home.path());
    let address = terminal.address();
    let hostile = SAMPLE.replace("Bea", "Bea\\u001b[2J");
    assert_eq!(post(&address, "msg_1", &hostile), "HTTP/1.1 204 No Content");
    terminal.expect("Bea␛[2J Grant");
    assert_eq!(post_with(&address, &[("svix-id", "msg_2")], SAMPLE), "HTTP/1.1 401 Unauthorized");
    terminal.expect("refused");
    let pid = rustix::process::Pid::from_raw(terminal.child.process_id().unwrap().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.end(), 0);
    let text = terminal.text();
    assert!(text.starts_with("listening on http://127.0.0.1:"), "{text}");
    assert!(!text.contains("\"what\""), "{text}");
}

/// Each signal that would end it at once, and leave the terminal as it is, ends it in order.
#[test]
fn a_signal_gives_the_terminal_back() {
    use rustix::process::Signal;
    for signal in
        [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::ALARM]
    {
        let home = tempfile::tempdir().unwrap();
        let args = ["watch", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
        let mut terminal = Terminal::start(&args, home.path());
        terminal.expect("Candidates");
        let pid = terminal.child.process_id().unwrap().cast_signed();
        rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
        assert_eq!(terminal.end(), 0, "{signal:?}");
        terminal.expect("0 events in ");
        assert!(terminal.restored(), "{signal:?}");
    }
}

#[test]
fn open_without_a_file_lists_the_saved_sessions() {
    let home = tempfile::tempdir().unwrap();
    let saved = home.path().join("invigil");
    for (name, events) in [("one.sqlite", 1), ("two.sqlite", 2)] {
        let keeper = super::keeping::Keeper::at(&saved.join(name));
        for n in 0..events {
            let source = invigil::domain::delivery::Source::Http;
            keeper.take(&format!("msg_{n}"), super::keeping::midnight(), source, SAMPLE.as_bytes());
        }
    }
    std::fs::write(saved.join("broken.sqlite"), "hello").unwrap();
    let mut terminal = Terminal::start(&["open"], home.path());
    terminal.expect("saved sessions  3");
    terminal.expect("broken.sqlite  is no session");
    terminal.press("G\r");
    terminal.expect("broken.sqlite: is no session");
    terminal.press("?");
    terminal.expect("Show only files with a word in their name");
    terminal.press("q/tw");
    terminal.expect("saved sessions  1 of 3");
    terminal.press("\x7f\x7fo.s\r");
    terminal.expect("SAVED");
    terminal.expect("Bea Grant");
    terminal.expect("two");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
    let mut terminal = Terminal::start(&["open"], home.path());
    terminal.expect("saved sessions  3");
    let pid = terminal.child.process_id().unwrap().cast_signed();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
}

/// A rule of the config file marks the row, rings the bell and notifies, whatever the candidate is called.
#[test]
fn an_alert_calls_somebody() {
    let home = tempfile::tempdir().unwrap();
    let config = "alerts = [\"tab_switch >= 3\", \"flag = red\"]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut terminal = Terminal::start(
        &["--config", "config.toml", "--secret", SECRET, "--session", "rollout.sqlite"],
        home.path(),
    );
    let address = terminal.address();
    let quiet = SAMPLE.replace("\"tabSwitchCount\": 0", "\"tabSwitchCount\": 2");
    let loud = SAMPLE
        .replace("\"tabSwitchCount\": 0", "\"tabSwitchCount\": 4")
        .replace("Bea", "Bea\\u001b]0;x\\u0007");
    assert_eq!(post(&address, "msg_1", &quiet), "HTTP/1.1 204 No Content");
    terminal.expect("Bea Grant");
    assert!(!terminal.text().contains("alert"));
    assert_eq!(post(&address, "msg_2", &loud), "HTTP/1.1 204 No Content");
    terminal.expect("1 alert");
    terminal.expect("│ !");
    let notification = "\u{1b}]9;invigil: Bea␛]0;x␇ Grant: tab switch >= 3 (Backend Engineer)\u{7}";
    terminal.expect_raw(notification.as_bytes());
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
}

/// A disk that is full for the log is no reason to miss anything else.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_is_told_on_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let args = ["--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
    let mut terminal = Terminal::start(&[&args[..], &["--log-file", "/dev/full"]].concat(), home.path());
    let address = terminal.address();
    assert_eq!(post(&address, "msg_1", SAMPLE), "HTTP/1.1 204 No Content");
    terminal.expect("The log is not whole: --log-file /dev/full: cannot be written");
    terminal.expect("Bea Grant");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

/// What is received goes on; `r` sends one again, and under a filter all that it shows, signed afresh.
#[test]
fn events_are_sent_again_by_keys() {
    let home = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut target = runtime.block_on(Target::open(Manner::Answer(200, "taken, thanks")));
    let url = target.url();
    let args = ["--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite", "--forward-to", &url];
    let mut terminal = Terminal::start(&args, home.path());
    terminal.expect("forward idle");
    let address = terminal.address();
    let other = SAMPLE.replace("\"event\": \"completed\"", "\"event\": \"invited\"");
    for (id, body) in [("msg_1", SAMPLE), ("msg_2", SAMPLE), ("msg_3", other.as_str())] {
        assert_eq!(post(&address, id, body), "HTTP/1.1 204 No Content");
    }
    assert_eq!(runtime.block_on(target.ids(3)), ["msg_1", "msg_2", "msg_3"]);
    terminal.press("4+");
    terminal.expect("✓ 200");
    terminal.press("\r");
    terminal.expect("✓ forwarded");
    terminal.press("H");
    terminal.expect("the answer says: taken, thanks");
    terminal.press("r");
    terminal.expect("Sent again: 200 in");
    let got = runtime.block_on(target.next());
    assert_eq!(got.id(), "msg_3");
    let keyring = Keyring::new(vec![Secret::parse(SECRET).unwrap()]);
    verify(&got.headers, &got.body, &keyring, 300, invigil::clock::now()).unwrap();
    terminal.expect("✓ sent again");
    terminal.press("\u{1b}");
    terminal.expect("newest first");
    terminal.press("fevent:completed\rr");
    terminal.expect("All 2 events that the filter shows");
    terminal.press("y");
    terminal.expect("Sent 2 events again");
    assert_eq!(runtime.block_on(target.ids(2)), ["msg_1", "msg_2"]);
    terminal.press("r");
    terminal.expect("All 2 events that the filter shows");
    terminal.press("1");
    terminal.expect("Sent again: 200");
    assert_eq!(runtime.block_on(target.ids(1)), ["msg_2"]);
    assert!(target.nothing());
    // Nobody is there any more.
    runtime.block_on(target.leave());
    terminal.press("ry");
    terminal.expect("None of 2 events was sent: the target cannot be reached");
    runtime.block_on(target.come_back(Manner::Hang));
    terminal.press("r");
    terminal.expect("All 2 events that the filter shows");
    terminal.press("y");
    terminal.expect("Sending again… 0 of 2");
    terminal.press("\u{1b}");
    terminal.expect("Sent 2 of 2, 2 not answered yet: stopped");
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());

    runtime.block_on(target.leave());
    runtime.block_on(target.come_back(Manner::Answer(410, "gone")));
    drop(runtime.block_on(target.ids(2)));
    let old = runtime.block_on(saved_is_sent_again(home.path(), &url, &mut target));
    let first = got.headers.get("svix-timestamp").unwrap().parse::<i64>().unwrap();
    assert!(old.headers.get("svix-timestamp").unwrap().parse::<i64>().unwrap() <= first, "as it came");
}

/// Of a saved session too, but with no secret as it came; and where there is no target it says so.
async fn saved_is_sent_again(home: &Path, url: &str, target: &mut Target) -> Got {
    let mut again = Terminal::start(&["open", "s.sqlite", "--forward-to", url], home);
    again.expect("SAVED");
    again.press("4+");
    again.expect("✓ 200");
    again.press("r");
    again.expect("Sent again, not taken: 410 in");
    again.expect("no secret is known");
    let old = target.next().await;
    assert_eq!(old.id(), "msg_3");
    again.press("Q");
    assert_eq!(again.end(), 0);
    let args = ["open", "s.sqlite", "--forward-to", url, "--secret", SECRET];
    let mut signing = Terminal::start(&args, home);
    signing.expect("SAVED");
    signing.press("4fevent:completed\rr");
    signing.expect("All 2 events that the filter shows");
    signing.press("y");
    signing.expect("Sent 2 events again, 2 failed: 410");
    let keyring = Keyring::new(vec![Secret::parse(SECRET).unwrap()]);
    for _ in 0..2 {
        let got = target.next().await;
        assert!(["msg_1", "msg_2"].contains(&got.id()), "{}", got.id());
        verify(&got.headers, &got.body, &keyring, 300, invigil::clock::now()).unwrap();
    }
    target.leave().await;
    target.come_back(Manner::Hang).await;
    signing.press("ry");
    signing.expect("Sending again… 0 of 2");
    signing.press("\u{1b}");
    signing.expect("Sent 2 of 2, 2 not answered yet: stopped");
    signing.press("Q");
    assert_eq!(signing.end(), 0);
    let mut without = Terminal::start(&["open", "s.sqlite"], home);
    without.expect("SAVED");
    without.press("4r");
    without.expect("open it with --forward-to URL");
    without.press("q");
    assert_eq!(without.end(), 0);
    old
}
