//! `import` with the real program: every form, verified where it can be, once, and all or nothing.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::path::{Path, PathBuf};

use invigil::domain::delivery::Source;
use invigil::domain::secret::Secret;
use invigil::store::reader::Reader;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::keeping::{Keeper, midnight};
use super::support::SECRET;
use super::support::command::{Ended, run};

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const OTHER: &str = include_str!("../../assets/samples/candidate.invited.json");

struct Place {
    dir: tempfile::TempDir,
}

/// How an import ended.
struct Imported {
    code: i32,
    report: Value,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::write(self.path(name), content).unwrap();
    }

    /// No session is made for nothing, nor anything that SQLite has beside one.
    fn has_no_session(&self) {
        let names = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("s.sqlite")).collect();
        assert!(left.is_empty(), "{left:?}");
    }

    fn run(&self, args: &[&str], input: &str) -> Ended {
        run(args, self.dir.path(), input)
    }

    fn import(&self, args: &[&str]) -> Imported {
        self.import_from(args, "")
    }

    fn import_from(&self, args: &[&str], input: &str) -> Imported {
        let Ended { code, out, err } =
            self.run(&[&["import", "--session", "s.sqlite"], args].concat(), input);
        Imported { code, report: serde_json::from_str(&out).unwrap_or_default(), err }
    }

    /// The session as JSON, without when it was saved.
    fn document(&self, session: &str) -> Value {
        let Ended { out, err, .. } = self.run(&["export", session], "");
        let mut document: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{err}"));
        document["session"] = Value::Null;
        document
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path("s.sqlite")).unwrap()
    }
}

fn report(events: u64, known: u64, unverified: u64, refused: u64, failed: u64, left_aside: u64) -> Value {
    json!({ "events": events, "known": known, "unverified": unverified, "refused": refused, "failed": failed,
        "left_aside": left_aside })
}

/// A session with repeats, an unverified event and one that is no JSON.
fn session(path: &Path) {
    let keeper = Keeper::at(path);
    keeper.take("msg_1", midnight(), Source::Http, SAMPLE.as_bytes());
    keeper.take("msg_1", midnight(), Source::Http, SAMPLE.as_bytes());
    keeper.take("msg_2", midnight(), Source::Relay, OTHER.as_bytes());
    keeper.take("msg_3", midnight(), Source::Http, b"no json");
}

/// The headers of a request signed long ago.
fn headers(id: &str, body: &str) -> String {
    let signature = Secret::parse(SECRET).unwrap().sign(id, 1_700_000_000, body.as_bytes());
    format!(
        "Content-Type: application/json\nsvix-id: {id}\nsvix-timestamp: 1700000000\nsvix-signature: {signature}\n"
    )
}

#[test]
fn what_was_exported_says_the_same_again_in_either_form() {
    let place = Place::new();
    session(&place.path("from.sqlite"));
    for format in ["json", "ndjson"] {
        let exported = place.run(&["export", "from.sqlite", "--format", format], "").out;
        place.write("exported", &exported);
        let first = place.import(&["exported"]);
        assert_eq!((first.code, first.report), (0, report(3, 0, 0, 0, 0, 0)), "{format}: {}", first.err);
        let imported = place.document("s.sqlite");
        for part in ["totals", "assessments", "candidates", "violations"] {
            assert_eq!(imported[part], place.document("from.sqlite")[part], "{format}: {part}");
        }
        let again = place.import_from(&["-"], &exported);
        assert_eq!(again.report, report(0, 3, 0, 0, 0, 0), "{format}: {}", again.err);
        assert_eq!(place.document("s.sqlite"), imported, "to import twice is to import once");
        assert_eq!(place.run(&["check", "s.sqlite", "--secret", SECRET], "").code, 0, "as whole as it was");
        std::fs::remove_file(place.path("s.sqlite")).unwrap();
    }
    let exported = place.run(&["export", "from.sqlite"], "").out;
    let one_line = serde_json::from_str::<Value>(&exported).unwrap().to_string();
    let ended = place.import_from(&["-"], &one_line);
    assert_eq!(ended.report, report(3, 0, 0, 0, 0, 0), "a document on one line: {}", ended.err);
}

#[test]
fn captured_requests_are_verified_however_old_and_keep_their_headers() {
    let place = Place::new();
    let one_line = r#"{"type":"assessment","event":"created","data":{"assessmentId":"a"}}"#;
    place.write("in/a.json", SAMPLE);
    place.write("in/a.headers", headers("msg_a", SAMPLE));
    let length = one_line.len();
    let message = headers("msg_b", one_line).replace('\n', "\r\n");
    place.write(
        "in/b.http",
        format!("POST /webhook HTTP/1.1\r\n{message}Content-Length: {length}\r\n\r\n{one_line}\n"),
    );
    place.write("in/c.http", format!("{}\n{one_line} ", headers("msg_c", one_line)));
    place.write("in/d.http", format!("{}\nno json", headers("msg_d", "no json")));
    place.write("in/e.json", OTHER);
    place.write("in/lines.ndjson", format!("{one_line}\n\n{one_line}\n"));
    place.write("in/notes.txt", "nothing");
    let ended = place.import(&["in", "--secret", SECRET]);
    // Two lines are the same body, so the same event.
    assert_eq!((ended.code, ended.report), (0, report(5, 1, 2, 1, 0, 1)), "{}", ended.err);
    assert!(ended.err.contains("c.http: refused, no_matching_signature: "), "{}", ended.err);
    let reader = place.reader();
    let detail = |id: &str| reader.detail(reader.seq_of(id).unwrap().unwrap()).unwrap().unwrap();
    let a = detail("msg_a");
    assert_eq!((a.body.as_slice(), a.line.verified), (SAMPLE.as_bytes(), true));
    assert_eq!(a.headers.get("svix-id"), Some("msg_a"));
    assert_eq!((a.line.source.word(), a.line.received_at.secs()), ("file", 1_700_000_000));
    assert_eq!(detail("msg_b").body, one_line.as_bytes(), "as long as Content-Length says");
    assert_eq!(detail("msg_d").body, b"no json", "what was signed is kept, whatever it is");
    assert_eq!(place.run(&["check", "s.sqlite", "--secret", SECRET], "").code, 0);
    let again = place.import(&["in", "--secret", SECRET]);
    assert_eq!(again.report, report(0, 6, 0, 1, 0, 1));

    let unverified = place.run(&["import", "in/a.json", "--session", "t.sqlite"], "").out;
    assert_eq!(
        serde_json::from_str::<Value>(&unverified).unwrap(),
        report(1, 0, 1, 0, 0, 0),
        "with no secret"
    );
}

#[test]
fn a_bad_line_is_named_and_without_keep_going_nothing_is_taken() {
    let place = Place::new();
    let body =
        |n: u32| format!(r#"{{"type":"assessment","event":"created","data":{{"assessmentId":"a{n}"}}}}"#);
    let lines = format!("{}\n{}\n{{\"type\":\n5\n{}\n", body(1), body(2), body(3));
    place.write("bad.ndjson", &lines);
    let ended = place.import(&["bad.ndjson"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("bad.ndjson, line 3: is no JSON"), "{}", ended.err);
    assert!(ended.err.contains("--keep-going"), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1);
    place.has_no_session();
    let ended = place.import(&["bad.ndjson", "--keep-going"]);
    assert_eq!((ended.code, ended.report), (0, report(3, 0, 3, 0, 2, 0)));
    assert!(
        ended.err.contains("line 3: ") && ended.err.contains("line 4: is JSON, but neither"),
        "{}",
        ended.err
    );

    let before = place.document("s.sqlite");
    place.write("more.ndjson", format!("{}\n}}\n", body(4)));
    assert_eq!(place.import(&["more.ndjson"]).code, 1);
    assert_eq!(place.document("s.sqlite"), before, "the session is as it was");

    place.write("first.ndjson", format!("}}{{\n{}\n", body(4)));
    let ended = place.import(&["first.ndjson"]);
    assert!(ended.err.contains("first.ndjson, line 1: is no JSON"), "{}", ended.err);
    assert_eq!(place.import(&["first.ndjson", "--keep-going"]).report, report(1, 0, 1, 0, 1, 0));

    place.write("none.ndjson", "}\n]\n");
    let ended = place.import(&["none.ndjson", "--keep-going"]);
    assert_eq!(ended.code, 1, "nothing of it was taken");
    assert!(ended.err.contains("no event is taken"), "{}", ended.err);
}

/// Some editors write a mark before a text.
#[test]
fn a_byte_order_mark_is_no_part_of_a_text() {
    let place = Place::new();
    let body = r#"{"type":"assessment","event":"created","data":{"assessmentId":"a1"}}"#;
    place.write("marked.ndjson", format!("\u{feff}{body}\n{}\n", body.replace("a1", "a2")));
    assert_eq!(place.import(&["marked.ndjson"]).report, report(2, 0, 2, 0, 0, 0));
    let exported = place.run(&["export", "s.sqlite"], "").out;
    place.write("marked.json", format!("\u{feff}{exported}"));
    let ended = place.import(&["marked.json"]);
    assert_eq!(ended.report, report(0, 2, 0, 0, 0, 0), "{}", ended.err);
    let opened = place.run(&["open", "marked.json"], "");
    assert!(opened.err.contains("there is no terminal"), "{}", opened.err);
}

#[test]
fn a_damaged_export_gives_the_events_that_are_whole() {
    let place = Place::new();
    let keeper = Keeper::at(&place.path("from.sqlite"));
    for n in 1..=5 {
        let body = format!(r#"{{"type":"assessment","event":"created","data":{{"assessmentId":"a{n}"}}}}"#);
        keeper.take(&format!("msg_{n}"), midnight(), Source::Http, body.as_bytes());
    }
    let exported = place.run(&["export", "from.sqlite"], "").out;
    let bad = exported.lines().position(|line| line.contains("\"msg_3\"")).unwrap() + 1;
    place.write("bad.json", exported.replace("\"id\":\"msg_3\"", "\"id\":msg_3"));
    let ended = place.import(&["bad.json"]);
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains(&format!("bad.json: is no JSON: line {bad}: ")), "{}", ended.err);
    let ended = place.import(&["bad.json", "--keep-going"]);
    assert_eq!(ended.report, report(4, 0, 0, 0, 1, 0), "{}", ended.err);
    assert!(ended.err.contains(&format!("bad.json, line {bad}: is no JSON")), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);

    // Cut between two of its lines, and broken before its events.
    let cut = exported.lines().take(bad).collect::<Vec<_>>().join("\n");
    place.write("cut.json", cut.trim_end_matches(','));
    place.write("head.json", exported.replace("\"totals\":", "\"totals\""));
    for (file, known) in [("cut.json", 3), ("head.json", 4)] {
        let ended = place.import(&[file, "--keep-going"]);
        assert_eq!(ended.report["failed"], 1, "{file}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{file}: {}", ended.err);
        assert!(ended.err.contains(&format!("{file}: is no JSON: line ")), "{file}: {}", ended.err);
        assert!(ended.report["known"].as_u64() >= Some(known - 1), "{file}: {}", ended.report);
    }
}

/// A capture that was cut to nothing is not passed over; of lines there may be none.
#[test]
fn an_empty_capture_is_told_and_counted() {
    let place = Place::new();
    for (file, content) in [("a.json", ""), ("b.http", ""), ("c.body", "\u{feff}\n"), ("d.ndjson", "\n")] {
        place.write(&format!("in/{file}"), content);
    }
    place.write("in/e.json", SAMPLE);
    let ended = place.import(&["in"]);
    assert!(ended.code == 1 && ended.err.contains("a.json: is empty; nothing is taken"), "{}", ended.err);
    let ended = place.import(&["in", "--keep-going"]);
    assert_eq!((ended.code, ended.report), (0, report(1, 0, 1, 0, 3, 0)), "{}", ended.err);
    for file in ["a.json", "b.http", "c.body"] {
        assert!(ended.err.contains(&format!("{file}: is empty\n")), "{}", ended.err);
    }
}

/// The bodies of a session, by id.
fn bodies(reader: &Reader, events: usize) -> Vec<Vec<u8>> {
    let body = |n| reader.seq_of(&format!("msg_{n}")).unwrap().and_then(|seq| reader.detail(seq).unwrap());
    (0..events).map(|n| body(n).unwrap().body).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What was signed is told to the byte by a document, whichever of its two fields stands first and however it
    /// is read again.
    #[test]
    fn a_document_gives_back_each_body_to_the_byte(
        given in proptest::collection::vec(("[ \t\r\n]{0,3}", "[ \t\r\n]{0,2}", "[ \t\r\n\u{a0}\u{feff}]{0,3}"), 1..6),
    ) {
        let place = Place::new();
        let keeper = Keeper::new();
        let given: Vec<_> = given
            .into_iter()
            .enumerate()
            .map(|(n, (before, between, after))| format!("{before}{{{between}\"a\":{n}{between}}}{after}").into_bytes())
            .collect();
        for (n, body) in given.iter().enumerate() {
            keeper.take(&format!("msg_{n}"), midnight(), Source::Http, body);
        }
        let saved = keeper.saved(None, false);
        let value: Value = serde_json::from_str(&saved).unwrap();
        place.write("saved.json", &saved);
        invigil::store::import::fill(&place.path("saved.json"), &place.path("whole.sqlite")).unwrap();
        prop_assert_eq!(&bodies(&Reader::open(&place.path("whole.sqlite")).unwrap(), given.len()), &given);
        // Written anew, keys stand in the order of the alphabet, and no blanks between. Each event is a line too.
        place.write("sorted.json", value.to_string());
        invigil::store::import::fill(&place.path("sorted.json"), &place.path("sorted.sqlite")).unwrap();
        let events = value["events"].as_array().unwrap();
        let lines: String = events.iter().map(|event| event.to_string() + "\n").collect();
        let ended = place.import_from(&["-"], &lines);
        prop_assert_eq!(ended.code, 0, "{}", ended.err);
        for name in ["sorted.sqlite", "s.sqlite"] {
            let read = bodies(&Reader::open(&place.path(name)).unwrap(), given.len());
            for ((read, given), event) in read.iter().zip(&given).zip(events) {
                let tight = |body: &[u8]| {
                    let text = String::from_utf8_lossy(body).into_owned();
                    let begins = text.find('{').unwrap_or_default();
                    let ends = text.rfind('}').unwrap_or_default();
                    (text[..begins].to_owned(), text[ends..].to_owned())
                };
                prop_assert!(
                    tight(read) == tight(given) || event.get("body_base64").is_some(),
                    "{}: {}", name, event
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_imported_is_told_in_one_line() {
    let place = Place::new();
    session(&place.path("from.sqlite"));
    let exported = place.run(&["export", "from.sqlite"], "").out;
    place.write("newer.json", exported.replace("\"version\":1", "\"version\":9"));
    place.write("versionless.json", "{\"format\":\"invigil-session\"}");
    place
        .write("time.json", exported.replace("\"received_at\":\"2026-11-23", "\"received_at\":\"2026-13-23"));
    place.write("bytes64.json", exported.replace("\"bm8ganNvbg==\"", "\"bm8ganNvbg=!\""));
    place.write("cut.json", &exported[..exported.len() / 2]);
    place.write("event.json", exported.replace("\"id\":\"msg_2\"", "\"name\":\"msg_2\""));
    place.write("text.json", "hello\nworld\n");
    place.write("bytes.json", b"\xff\xfe{}");
    place.write("cut.http", "svix-id: a\nContent-Length: 9\n\n{}");
    place.write("a.json", SAMPLE);
    place.write("a.headers", "no header\n");
    place.write("deep.ndjson", format!("{}{}", "[".repeat(5000), "]".repeat(5000)));
    for (file, part) in [
        ("none.json", "none.json: cannot be read"),
        ("newer.json", "newer invigil"),
        ("versionless.json", "versionless.json: has no `version`"),
        ("time.json", "time.json, event 1: has a `received_at` that cannot be read"),
        ("bytes64.json", "bytes64.json, event 3: has a `body_base64` that cannot be read"),
        ("cut.json", "cut.json: is no JSON"),
        ("event.json", "event.json, event 2: has no `id`"),
        ("text.json", "text.json: is no JSON"),
        ("bytes.json", "bytes.json: is no text"),
        ("cut.http", "cut.http: is cut off: 2 of 9 bytes"),
        ("a.json", "line 1: is no header"),
        ("deep.ndjson", "deep.ndjson: is no JSON"),
    ] {
        let ended = place.import(&[file]);
        assert_eq!(ended.code, 1, "{file}: {}", ended.err);
        assert!(ended.err.contains(part), "{file}: {}", ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{file}: {}", ended.err);
    }
    let ended = place.import(&["from.sqlite"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.err.contains("invigil export from.sqlite --format ndjson | invigil import -"),
        "{}",
        ended.err
    );
    place.has_no_session();
}
