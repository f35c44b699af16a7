//! Hostile names everywhere, through the real binary: no terminal is told more than for a plain session.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use invigil::domain::clean;
use serde_json::Value;

use super::pty::{SAMPLE, post, post_with};
use super::support::SECRET;
use super::support::command::{invigil, run};
use super::support::terminal::Terminal;

/// Sets a title, clears the screen (in both spellings of CSI), rings, turns the text around, hides, breaks lines.
const HOSTILE: &str = "\u{1b}]0;pwned\u{7}\u{1b}[2J\u{9b}2J\u{9d}0;x\u{9c}\u{202e}\u{2066}\u{200b}\u{feff}\u{ad}\u{e0041}\r\n\t\u{7f}\u{0}\u{1b}P1$r\u{1b}\\";

/// A body with this at the end of every text and key that is not what the event is.
fn body(tail: &str, switches: u32) -> String {
    fn walk(value: &mut Value, key: &str, tail: &str) {
        match value {
            Value::String(text) if !matches!(key, "type" | "event") => text.push_str(tail),
            Value::Array(list) => list.iter_mut().for_each(|one| walk(one, key, tail)),
            Value::Object(map) => map.iter_mut().for_each(|(key, value)| walk(value, key, tail)),
            _ => {}
        }
    }
    let text = SAMPLE.replace("\"tabSwitchCount\": 0", &format!("\"tabSwitchCount\": {switches}"));
    let mut body: Value = serde_json::from_str(&text).unwrap();
    walk(&mut body, "", tail);
    body["data"][format!("more{tail}")] = Value::from(format!("and more{tail}"));
    body.to_string()
}

/// What a terminal was told, without how often and where: each kind of sequence and control character once.
fn told(raw: &str) -> BTreeSet<String> {
    let mut told = BTreeSet::new();
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            if !clean::plain(c) && !matches!(c, '\r' | '\n') {
                told.insert(format!("U+{:04X}", u32::from(c)));
            }
            continue;
        }
        let sequence = match chars.next() {
            Some('[') => {
                let mut parameters = String::new();
                let mut last = chars.next().unwrap_or_default();
                while !('@'..='~').contains(&last) {
                    parameters.push(last);
                    last = chars.next().unwrap_or_default();
                }
                // Where and in which colour does not matter; which mode does.
                let kept = if "mHABCDGdXPJK".contains(last) { "" } else { &parameters };
                format!("CSI {kept}{last}")
            }
            Some(kind @ (']' | 'P')) => {
                let mut inside = String::new();
                loop {
                    match chars.next() {
                        None | Some('\u{7}') => break,
                        Some('\u{1b}') if chars.peek() == Some(&'\\') => {
                            chars.next();
                            break;
                        }
                        Some(c) => inside.push(c),
                    }
                }
                assert!(inside.chars().all(clean::plain), "inside a sequence: {inside:?}");
                format!("{kind} {}", inside.split(';').next().unwrap_or_default())
            }
            other => format!("ESC {other:?}"),
        };
        told.insert(sequence);
    }
    told
}

/// Goes everywhere on the screen with texts that end so, and returns all that the terminal was sent.
fn tour(tail: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let config = "alerts = [\"tab_switch >= 3\"]\nlisten = \"127.0.0.1:0\"\n";
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let session = format!("rollout{}.sqlite", tail.replace('\0', ""));
    let mut terminal =
        Terminal::start(&["--config", "config.toml", "--secret", SECRET, "--session", &session], home.path());
    let address = terminal.address();
    assert_eq!(post(&address, "msg_1", &body(tail, 2)), "HTTP/1.1 204 No Content");
    terminal.expect("Bea");
    assert_eq!(post(&address, "msg_2", &body(tail, 4)), "HTTP/1.1 204 No Content");
    terminal.expect("Alert:");
    let odd = format!("{{\"type\":\"x{}\",\"odd\":1}}", "\\u001b[2J\u{9b}\u{202e}".repeat(tail.len().min(1)));
    assert_eq!(post(&address, "msg_3", &odd), "HTTP/1.1 204 No Content");
    terminal.expect("3 events");
    let forged = post_with(
        &address,
        &[("svix-id", &format!("msg_{}", headers(tail))), ("svix-signature", "v1,x")],
        "{}",
    );
    assert_eq!(forged, "HTTP/1.1 401 Unauthorized");
    terminal.expect("1 refused");
    let paste = format!("\u{1b}[200~zzz{}\u{1b}[201~", tail.replace('\u{1b}', ""));
    // Keys, what is then seen, and what is seen no more. `h` goes back: Esc would wait for the rest of a sequence.
    let steps: [(&str, &str, &str); 26] = [
        ("1\r", "tab switch", "Violations"),
        ("h", "Violations", "-"),
        ("2\r", "oldest first", "Violations"),
        ("\r", "Payload", "oldest first"),
        ("/", "Search", "-"),
        ("more\r", "1/", "Search"),
        ("yp", "Copied the JSON path", "-"),
        ("yi", "Copied the event's id", "-"),
        ("yy", "Copied the body", "-"),
        ("yc", "Copied a curl", "-"),
        ("o", "ink", "-"),
        ("n", "Payload", "Open this link"),
        ("H", "svix-id", "-"),
        ("H", "Payload", "svix-id"),
        ("R", "{\"", "▾"),
        ("h", "oldest first", "Payload"),
        ("Gd", "+2", "oldest first"),
        ("h", "oldest first", "Payload"),
        ("h", "Violations", "oldest first"),
        ("3x", "Person", "Bea"),
        ("x", "Bea", "Person"),
        ("4f", "Filter", "-"),
        (&paste, "zzz", "-"),
        ("\r", "filter", "Bea"),
        ("f\u{15}\r", "Bea", "zzz"),
        ("s", "Save as JSON", "-"),
    ];
    for (keys, seen, gone) in steps {
        terminal.press(keys);
        terminal.expect(seen);
        if gone != "-" {
            terminal.expect_gone(gone);
        }
    }
    terminal.press("\u{1b}");
    terminal.expect_gone("Save as JSON");
    for (keys, seen) in [("4g\r", "msg_"), ("h", "Violations"), ("4gj\r", "msg_3")] {
        terminal.press(keys);
        terminal.expect(seen);
    }
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.restored());
    terminal.sent()
}

/// As much of it as a header can hold.
fn headers(tail: &str) -> String {
    tail.chars().filter(|c| *c >= '\u{80}' || *c == '\t').collect()
}

#[test]
fn hostile_names_tell_a_terminal_nothing_that_plain_ones_do_not() {
    let (plain, hostile) = (told(&tour("")), told(&tour(HOSTILE)));
    let more: Vec<_> = hostile.difference(&plain).collect();
    assert!(more.is_empty(), "{more:?} beyond {plain:?}");
    for wanted in ["] 0", "] 9", "] 52"] {
        assert!(hostile.contains(wanted), "the tour sets a title, notifies and copies: {hostile:?}");
    }
}

/// Runs `serve` on hostile deliveries.
fn served(home: &Path) -> (String, String) {
    let args = ["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
    let mut child = invigil(&[&args[..], &["--log-file", "log.jsonl"]].concat(), home).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap().trim().trim_end_matches("/webhook").to_owned();
    assert_eq!(post(&address, "msg_1", &body(HOSTILE, 4)), "HTTP/1.1 204 No Content");
    let id = format!("msg_{}", headers(HOSTILE));
    assert_eq!(post_with(&address, &[("svix-id", &id)], "{}"), "HTTP/1.1 401 Unauthorized");
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success());
    (err, std::fs::read_to_string(home.join("log.jsonl")).unwrap())
}

#[test]
fn a_log_has_a_line_a_happening_whatever_comes() {
    let home = tempfile::tempdir().unwrap();
    let (err, log) = served(home.path());
    for text in [&err, &log] {
        let whats: Vec<String> = text
            .lines()
            .map(|line| {
                assert!(line.chars().all(clean::plain), "{line:?}");
                let line: Value = serde_json::from_str(line).unwrap();
                line["what"].as_str().unwrap().to_owned()
            })
            .collect();
        let counted = |what: &str| whats.iter().filter(|one| *one == what).count();
        assert_eq!((counted("event"), counted("refused"), counted("stopped")), (1, 1, 1), "{whats:?}");
    }
    let table = run(&["export", "s.sqlite", "--format", "csv"], home.path(), "").out;
    assert_eq!(table.matches("\r\n").count(), 2, "{table:?}");
    assert!(table.split("\r\n").all(|row| row.chars().all(clean::plain)), "{table:?}");
}

/// On a terminal the lines are for people, and an export is spelt so that nothing in it acts.
#[test]
fn lines_and_exports_on_a_terminal_are_plain_text() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", "s.sqlite"];
    let mut terminal = Terminal::start(&args, home.path());
    let address = terminal.address();
    assert_eq!(post(&address, "msg_1", &body(HOSTILE, 4)), "HTTP/1.1 204 No Content");
    terminal.expect("candidate.completed");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), 0);
    let lines = told(&terminal.sent());
    assert!(lines.is_empty(), "{lines:?}");
    for format in ["json", "ndjson", "csv"] {
        let mut export = Terminal::start(&["export", "s.sqlite", "--format", format], home.path());
        assert_eq!(export.end(), 0);
        export.expect_raw(b"msg_1");
        let shown = told(&export.sent());
        assert!(shown.is_empty(), "{format}: {shown:?}");
    }
}
