//! Whatever is pressed and whatever arrives, the screen draws, and the cursor stays on its row.

use invigil::app::key::{Code, Key};
use invigil::app::msg::{Answer, Effect, MouseKind, Msg, Question};
use invigil::app::update;
use invigil::domain::event::{Event, EventKind};
use invigil::domain::forward::{Forwarding, Replay};
use invigil::domain::query::Row;
use invigil::domain::vitals::Vitals;
use proptest::prelude::*;

use super::support::session::{Session, at};
use super::support::{Harness, keys_of};

#[derive(Debug, Clone)]
enum Step {
    Press(Key),
    Type(String),
    Click(u16, u16, MouseKind),
    Arrive(usize),
    Resize(u16, u16),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let letters: Vec<char> = (' '..='~').collect();
    let named = [
        Code::Enter,
        Code::Esc,
        Code::Tab,
        Code::BackTab,
        Code::Backspace,
        Code::PageDown,
        Code::PageUp,
        Code::Home,
        Code::End,
        Code::Up,
        Code::Down,
    ];
    prop_oneof![
        6 => proptest::sample::select(letters).prop_map(|c| Step::Press(Key::char(c))),
        4 => proptest::sample::select(named.to_vec()).prop_map(|code| Step::Press(Key::plain(code))),
        1 => proptest::sample::select(vec!['d', 'u', 'f', 'b', 'p', 'n', 't', 'w']).prop_map(|c| Step::Press(Key::ctrl(c))),
        1 => "[ -~é李\u{202e}]{0,12}".prop_map(Step::Type),
        1 => (0u16..210, 0u16..70, proptest::sample::select(vec![MouseKind::Press, MouseKind::Double, MouseKind::WheelUp, MouseKind::WheelDown]))
            .prop_map(|(x, y, kind)| Step::Click(x, y, kind)),
        3 => (0usize..14).prop_map(Step::Arrive),
        1 => (1u16..210, 1u16..70).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => Just(Step::Tick),
    ]
}

fn take(harness: &mut Harness, step: &Step, clock: &mut i64) {
    match step {
        Step::Press(key) => harness.send(Msg::Key(*key)),
        Step::Type(text) => harness.send(Msg::Paste(text.as_str().into())),
        Step::Click(column, row, kind) => {
            harness.send(Msg::Mouse { column: *column, row: *row, kind: *kind });
        }
        Step::Resize(columns, rows) => harness.send(Msg::Resize(*columns, *rows)),
        Step::Arrive(n) => arrive(harness, *n, clock),
        Step::Tick => {
            *clock += 1;
            harness.send(Msg::Tick(at(*clock)));
        }
    }
}

fn arrive(harness: &mut Harness, n: usize, clock: &mut i64) {
    *clock += 1;
    let kind = EventKind::ALL.get(n).copied();
    let event = Event {
        name: kind.map(|kind| kind.name().into()),
        kind,
        assessment_id: Some(format!("6a019dfcd71395322307e37{}", n % 4)),
        candidate_id: Some(format!("69145db6968cb883ddfc{:04x}", n % 5)),
        ..Event::default()
    };
    harness.session.keep(event, at(*clock));
    harness.commit();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_pressed_or_arrives_breaks_the_screen(
        steps in proptest::collection::vec(step(), 1..60),
        candidates in 0usize..12,
    ) {
        let session = if candidates == 0 { Session::default() } else { Session::rollout(candidates) };
        let mut harness = Harness::new(session, (120, 36));
        let mut clock = 0;
        for step in &steps {
            take(&mut harness, step, &mut clock);
            prop_assert!(!harness.frame().is_empty());
        }
    }

    #[test]
    fn the_cursor_is_an_identity(moves in 1usize..30, arrivals in proptest::collection::vec(0usize..14, 1..12)) {
        let mut harness = Harness::new(Session::rollout(20), (120, 36));
        let mut clock = 0;
        for pane in ["2", "3", "4"] {
            harness.script(pane).script(&"j".repeat(moves));
            let key = |harness: &Harness| match pane {
                "2" => harness.model.candidates.current().map(|row| format!("{:?}", row.key())),
                "3" => harness.model.rises.current().map(|row| format!("{:?}", row.key())),
                _ => harness.model.events.current().map(|row| format!("{:?}", row.key())),
            };
            let held = key(&harness);
            for n in &arrivals {
                arrive(&mut harness, *n, &mut clock);
                prop_assert_eq!(key(&harness), held.clone());
                let shown = match pane {
                    "2" => harness.model.candidates.visible().filter(|seen| seen.cursor).count(),
                    "3" => harness.model.rises.visible().filter(|seen| seen.cursor).count(),
                    _ => harness.model.events.visible().filter(|seen| seen.cursor).count(),
                };
                prop_assert_eq!(shown, 1, "the cursor is on screen");
            }
        }
    }
}

/// A question whose numbers are still looked for takes its answer all the same.
#[test]
fn a_question_is_answered_by_the_key_after_the_one_that_asked() {
    let counted = |harness: &mut Harness, ticket, answer| {
        let effects = update(&mut harness.model, Msg::Fetched(ticket, answer));
        effects.into_iter().find(|effect| matches!(effect, Effect::Replay(_)))
    };
    let chosen = |total| Ok(Answer::Chosen { total, until: 99 });
    let mut harness = Harness::new(Session::rollout(9), (120, 36));
    let forward = Some(Forwarding::default());
    harness.send(Msg::Vitals(Box::new(Vitals { forward, ..Vitals::default() })));
    harness.script("4fevent:completed<enter>");
    let press = |harness: &mut Harness, keys: &str| {
        let mut asked = None;
        for key in keys_of(keys) {
            for effect in update(&mut harness.model, Msg::Key(key)) {
                match effect {
                    Effect::Ask { ticket, question: Question::Chosen(_) } => asked = Some(ticket),
                    Effect::Copy { .. } | Effect::Replay(Replay::Chosen { .. }) => {
                        panic!("{keys}: {effect:?}")
                    }
                    _ => {}
                }
            }
        }
        asked.unwrap()
    };
    let ticket = press(&mut harness, "r");
    assert!(harness.frame().contains("counting…"), "{}", harness.frame());
    assert_eq!(counted(&mut harness, ticket, chosen(3)), None, "it waits for a yes");
    assert!(harness.frame().contains("All 3 events"), "{}", harness.frame());
    harness.script("<esc>");

    let ticket = press(&mut harness, "ry");
    assert!(harness.frame().contains("counting, then sending…"), "{}", harness.frame());
    let sent = counted(&mut harness, ticket, chosen(3));
    assert!(matches!(sent, Some(Effect::Replay(Replay::Chosen { total: 3, until: 99, .. }))), "{sent:?}");
    assert!(harness.model.overlays.is_empty());
    harness.script("<esc>");

    let ticket = press(&mut harness, "ry<esc>");
    assert_eq!(counted(&mut harness, ticket, chosen(3)), None, "a no is the last word");
    let ticket = press(&mut harness, "ry");
    assert_eq!(counted(&mut harness, ticket, chosen(0)), None);
    assert!(harness.frame().contains("no event to send") && harness.model.overlays.is_empty());
    let ticket = press(&mut harness, "ry");
    assert_eq!(counted(&mut harness, ticket, Err("the file is gone".into())), None);
    assert!(harness.frame().contains("the file is gone") && harness.model.overlays.is_empty());
}
