//! Lists that one chooses from: help, palette, and the saved sessions when `open` is given no name.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails is to say where")]

use invigil::app::action::Action;
use invigil::app::chooser::{Chooser, Saved};
use invigil::app::key::Key;
use invigil::app::keymap::Keymap;
use invigil::app::msg::{Effect, Msg};
use invigil::app::overlay;
use invigil::domain::query::Sums;
use invigil::ui::chooser;
use invigil::ui::styles::Styles;
use invigil::ui::theme::{Depth, Theme};
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::support::session::{Session, at};
use super::support::{Harness, keys_of, text};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];

fn harness(size: (u16, u16), keys: &str) -> Harness {
    let mut harness = Harness::new(Session::rollout(9), size);
    harness.effects.clear();
    harness.script(keys);
    harness
}

/// What is typed in help or palette, if one of them is open.
fn typed(harness: &Harness) -> Option<String> {
    harness.model.choice().map(|choice| choice.line.text().to_string())
}

/// The lines of a box with this title, as far as they have the cursor in front.
fn chosen(harness: &Harness, title: &str) -> String {
    let buffer = harness.buffer();
    let area = buffer.area;
    let line = |y: u16| (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<Vec<_>>();
    let word = title.len();
    let corner = |cells: &[&str]| {
        let title = |part: &[&str]| part[0] == "╭" && part.concat() == format!("╭ {title}");
        let left = cells.windows(2 + word).position(title)?;
        Some((left, left + cells.iter().skip(left).position(|cell| *cell == "╮")?))
    };
    let mut lines = (area.top()..area.bottom()).map(line);
    let (left, right) = lines.find_map(|cells| corner(&cells)).unwrap_or_default();
    let of_it = lines.filter(|cells| cells[left + 1] == "▌");
    of_it.map(|cells| cells[left + 2..right].concat() + " ").collect()
}

/// Whether the words of a text stand in another one, in this order.
fn holds(told: &str, text: &str) -> bool {
    let mut told = told.split_whitespace();
    text.split_whitespace().all(|word| told.any(|other| other == word))
}

#[test]
fn every_letter_typed_in_help_is_searched_for_and_does_nothing_else() {
    for letter in (' '..='~').filter(|letter| *letter != '?') {
        let mut harness = harness((120, 36), "?");
        harness.send(Msg::Key(Key::char(letter)));
        assert_eq!(typed(&harness), Some(letter.into()), "{letter:?}");
        assert!(harness.effects.is_empty(), "{letter:?}: {:?}", harness.effects);
    }
    let mut harness = harness((120, 36), "?quit");
    assert_eq!(typed(&harness), Some("quit".into()));
    harness.script("<esc>");
    assert!(harness.model.overlays.is_empty() && harness.effects.is_empty());
    harness.script("?quit at once<enter>");
    assert_eq!(harness.effects, [Effect::Quit]);
}

#[test]
fn the_row_chosen_in_help_is_the_one_that_fits_best() {
    for (keys, wanted) in [
        ("?quit", Action::Quit),
        ("?zoom", Action::Zoom),
        ("?copy curl", Action::CopyCurl),
        ("?", Action::Down),
    ] {
        let harness = harness((120, 36), keys);
        let typed = typed(&harness).unwrap();
        let rows = overlay::help_rows(&harness.model.keymap, &typed, false);
        let at = harness.model.choice().unwrap().at;
        assert_eq!(rows[at].1.action, wanted, "{keys}");
    }
}

#[test]
fn the_key_that_opens_help_closes_it_again() {
    for keys in ["??", "?<f1>", "<f1><f1>", "<f1>?", "?a<f1>", "?a<backspace>?"] {
        assert_eq!(typed(&harness((120, 36), keys)), None, "{keys}");
    }
    assert_eq!(typed(&harness((120, 36), "?a?")), Some("a?".into()));
    assert_eq!(typed(&harness((120, 36), ":?")), Some("?".into()));
}

#[test]
fn help_and_palette_tell_every_key_and_sentence_whole() {
    for size in SIZES {
        let mut harness = harness(size, "?");
        for (_, entry) in overlay::help_rows(&harness.model.keymap, "", false) {
            let told = chosen(&harness, "Keys");
            assert!(holds(&told, entry.action.sentence()), "{size:?} {told}\n{}", harness.frame());
            assert!(holds(&told, &entry.keys), "{size:?} {told}\n{}", harness.frame());
            harness.script("<down>");
        }
        harness.script("<esc>:");
        for entry in overlay::find(&harness.model.keymap, "", false) {
            let told = chosen(&harness, "Actions");
            assert!(holds(&told, entry.action.sentence()), "{size:?} {told}\n{}", harness.frame());
            assert!(holds(&told, &entry.keys), "{size:?} {told}\n{}", harness.frame());
            harness.script("<down>");
        }
    }
}

#[test]
fn the_footer_says_what_the_keys_do_in_help_and_palette() {
    for size in SIZES {
        for keys in ["?", ":", "?co", ":co"] {
            let frame = harness(size, keys).frame();
            assert_eq!(frame.lines().last(), Some(" Enter run  Esc close  ↑↓ move"), "{keys}\n{frame}");
        }
    }
}

#[test]
fn what_is_typed_begins_at_the_left_of_its_box() {
    for size in SIZES {
        for (title, keys) in [("Keys", "?co"), ("Actions", ":co")] {
            let frame = harness(size, keys).frame();
            let mut lines = frame.lines().skip_while(|line| !line.contains(&format!("╭ {title} ")));
            assert!(lines.nth(1).is_some_and(|line| line.contains("│ co ")), "{frame}");
        }
    }
}

const LONG: &str = "rollout-of-the-graduate-programme-2027-in-all-of-europe-second-attempt.sqlite";
const WHY: &str = "is no session of invigil's; name another file";

/// The list of saved sessions: three that can be read, one that cannot.
fn sessions() -> Chooser {
    let saved = |name: &str, begun, sums| Saved {
        path: format!("/home/ann/.local/share/invigil/{name}").into(),
        begun,
        sums,
    };
    let sums = |events, candidates| Ok(Sums { events, candidates, ..Sums::default() });
    let all = vec![
        saved("2026-11-24-120310.sqlite", Some(at(-90_000)), sums(12_345, 312)),
        saved(LONG, Some(at(-60)), sums(0, 0)),
        saved("big.sqlite", Some(at(-900)), sums(999, 150)),
        saved("bro\u{1b}ken.sqlite", None, Err(WHY.into())),
    ];
    Chooser::new(all, TimeZone::UTC, Keymap::built_in().unwrap())
}

fn drawn(chooser: &Chooser, (columns, rows): (u16, u16)) -> String {
    let area = Rect::new(0, 0, columns, rows);
    let mut buffer = Buffer::empty(area);
    chooser::render(chooser, &Styles::new(&Theme::built_in("dark"), Depth::Full, false), area, &mut buffer);
    text(&buffer)
}

#[test]
fn saved_sessions_are_listed() {
    for (name, keys) in [
        ("sessions", ""),
        ("sessions_broken", "G<enter>"),
        ("sessions_typed", "/big"),
        ("sessions_keys", "?"),
    ] {
        for size in SIZES {
            let mut chooser = sessions();
            for key in keys_of(keys) {
                chooser.press(key);
            }
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), drawn(&chooser, size));
        }
    }
}

#[test]
fn every_name_and_reason_is_read_whole_wherever_the_cursor_is() {
    for size in [(30, 8), (40, 12), (60, 20), (80, 24), (120, 36), (200, 60)] {
        let mut chooser = sessions();
        for saved in sessions().sessions {
            let frame = drawn(&chooser, size);
            let under = frame.lines().filter_map(|line| line.strip_prefix('▌'));
            let under: String = under.collect::<String>().chars().filter(|c| !c.is_whitespace()).collect();
            let wanted = saved.name().replace('\u{1b}', "␛");
            // A long name goes on in the next line.
            assert!(under.contains(&wanted), "{size:?} {under}\n{frame}");
            let why: String = saved.sums.err().unwrap_or_default().split_whitespace().collect();
            assert!(under.contains(&why) && !frame.contains("/home"), "{size:?} {under}\n{frame}");
            chooser.press(Key::char('j'));
        }
    }
}
