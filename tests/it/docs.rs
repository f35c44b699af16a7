//! What the README shows is what the program does: its pictures are drawn and its tables are made from the
//! program itself. `UPDATE=1 cargo test --test it docs` writes them anew.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one reads and writes the papers"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};

use invigil::app::action::Action;
use invigil::app::keymap::Keymap;
use invigil::app::model::Setup;
use invigil::domain::delivery::{Headers, Source};
use invigil::domain::event::Event;
use invigil::domain::stream::{self, Batch, BatchWriter, Frame, Hello, Record, Repeated, Report};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use serde_json::Value;

use super::support::Harness;
use super::support::session::{Session, at};

/// A cell of the picture, in its units.
const CELL: (f32, f32) = (8.4, 18.0);

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a file with what it should be, or writes it.
fn is_current(path: &Path, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        return std::fs::write(path, wanted).unwrap();
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(there == wanted, "{} is out of date: run `UPDATE=1 cargo test --test it docs`", path.display());
}

fn hex(colour: Color, otherwise: &str) -> String {
    match colour {
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        _ => otherwise.to_owned(),
    }
}

/// A frame as a picture: a rectangle for each run of one ground, a text for each run of one style.
fn svg(buffer: &Buffer, ground: &str, ink: &str) -> String {
    let (columns, rows) = (f32::from(buffer.area.width), f32::from(buffer.area.height));
    let (width, height) = (columns * CELL.0 + 24.0, rows * CELL.1 + 24.0);
    let mut out = String::new();
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"'JetBrains Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"{ground}\"/>\n<g transform=\"translate(12 12)\">"
    )
    .unwrap();
    for y in 0..buffer.area.height {
        let top = f32::from(y) * CELL.1;
        let mut x = 0;
        while x < buffer.area.width {
            let cell = &buffer[(x, y)];
            let (begin, style) = (x, cell.style());
            let mut text = String::new();
            while x < buffer.area.width && buffer[(x, y)].style() == style {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += invigil::ui::text::width(symbol).max(1);
            }
            let (mut fg, mut bg) = (hex(cell.fg, ink), hex(cell.bg, ground));
            if style.add_modifier.contains(Modifier::REVERSED) {
                std::mem::swap(&mut fg, &mut bg);
            }
            let (left, wide) = (f32::from(begin) * CELL.0, f32::from(x - begin) * CELL.0);
            if bg != ground {
                let high = CELL.1;
                writeln!(
                    out,
                    "<rect x=\"{left:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{high}\" fill=\"{bg}\"/>"
                )
                .unwrap();
            }
            if !text.trim().is_empty() {
                let bold =
                    if style.add_modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
                let line = if style.add_modifier.contains(Modifier::UNDERLINED) {
                    " text-decoration=\"underline\""
                } else {
                    ""
                };
                let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                writeln!(
                    out,
                    "<text x=\"{left:.1}\" y=\"{:.1}\" fill=\"{fg}\"{bold}{line} textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\">{text}</text>",
                    top + 13.5
                )
                .unwrap();
            }
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

fn picture(name: &str, theme: &str, keys: &str, (ground, ink): (&str, &str)) {
    let setup = Setup {
        session: "autumn-rollout".into(),
        path: "autumn-rollout.sqlite".into(),
        url: Some("http://127.0.0.1:8080/webhook".into()),
        themes: vec![theme.into()],
        theme: theme.into(),
        now: at(0),
        size: (120, 36),
        ..Setup::default()
    };
    let mut harness = Harness::with(setup, Session::rollout(60));
    harness.script(keys);
    is_current(&root().join(format!("assets/screens/{name}.svg")), &svg(&harness.buffer(), ground, ink));
}

#[test]
fn the_pictures_are_the_programs_own() {
    let (dark, light) = (("#11131b", "#cdd6f4"), ("#ffffff", "#222222"));
    picture("panes", "dark", "", dark);
    picture("assessment", "dark", "<enter>", dark);
    picture("timeline", "dark", "2[<enter>", dark);
    picture("payload", "light", "2[<enter>G<enter>/tabSwitch<enter>", light);
}

#[test]
fn the_keys_in_the_readme_are_the_keymaps() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("<!-- keys -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /keys -->").unwrap();
    let mut table = String::from("| keys | what they do |\n| --- | --- |\n");
    for (action, chords) in Keymap::built_in().unwrap().table(false) {
        if !chords.is_empty() {
            let keys: Vec<_> =
                chords.iter().map(|chord| format!("`{}`", chord.replace('|', "\\|"))).collect();
            writeln!(table, "| {} | {} |", keys.join(" "), sentence(action)).unwrap();
        }
    }
    is_current(&path, &format!("{before}<!-- keys -->\n{table}<!-- /keys -->{after}"));
}

fn sentence(action: Action) -> String {
    action.sentence().replace('|', "\\|")
}

/// The names of what a frame holds, and of what the things in its lists do.
fn names(of: &Value) -> Vec<&str> {
    let members = of.as_object().unwrap();
    let listed = members.values().filter_map(Value::as_array).flatten().filter_map(Value::as_object);
    members.keys().chain(listed.flat_map(|thing| thing.keys())).map(String::as_str).collect()
}

/// What the paper shows of the stream can be read as such, and it names all that stands in a frame.
#[test]
fn the_frames_of_the_stream_are_described() {
    let paper = std::fs::read_to_string(root().join("docs/attach.md")).unwrap();
    let shown = paper.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    let frames: Vec<Frame> = shown.lines().map(|line| stream::read(line).unwrap()).collect();
    let [Frame::Hello(hello), Frame::Batch(batch), Frame::Report(report)] = frames.as_slice() else {
        unreachable!("{frames:?}")
    };
    assert_eq!((hello.newest, batch.events.len(), batch.repeated.len()), (1284, 2, 1));
    assert_eq!((report.newest, report.vitals.refused()), (1284, 1));

    let mut writer = BatchWriter::default();
    for is_json in [true, false] {
        writer.event(&Record {
            seq: 1,
            id: "msg_1".to_owned(),
            received_at: at(0),
            sent_at: at(0),
            source: Source::Http,
            verified: true,
            deliveries: 1,
            conflicts: 0,
            headers: Headers::default(),
            body: " 1 ".into(),
            event: Event { is_json, ..Event::default() },
        });
    }
    let again =
        Repeated { id: "msg_1".to_owned(), deliveries: 2, conflicts: 1, sent_at: at(0), verified: true };
    let batch = writer.finish(&Batch { repeated: vec![again], ..Batch::default() });
    let hello = Hello { diverged: true, ..Hello::default() }.write();
    let report = Report { refusals: Some(Vec::new()), ..Report::default() }.write();
    for frame in [hello, batch, report] {
        let frame: Value = serde_json::from_str(&frame).unwrap();
        for name in names(&frame) {
            let is_named = paper.contains(&format!("`{name}`")) || paper.contains(&format!("\"{name}\":"));
            assert!(is_named, "docs/attach.md does not name `{name}` of a frame: {frame}");
        }
    }
}
