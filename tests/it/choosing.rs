//! Lists that one chooses from: help, palette, and the saved sessions when `open` is given no name.

use invigil::app::key::Key;
use invigil::app::msg::{Effect, Msg};
use invigil::app::overlay;

use super::support::Harness;
use super::support::session::Session;

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
