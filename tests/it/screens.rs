//! Frames of every screen, as a person sees them, reached by the keys a person presses.

use invigil::app::model::{Mode, Setup};
use invigil::app::msg::{Effect, MouseKind, Msg, Outcome};
use invigil::app::pane::Pane;
use invigil::domain::forward::{Forwarded, Forwarding, Replay, State, Trouble};
use invigil::domain::vitals::{Link, Relay, Vitals};
use invigil::ui::styles::Styles;
use invigil::ui::theme::{Depth, Theme};

use super::support::session::{Session, at};
use super::support::{Harness, text};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];

/// Snapshots of one screen in every size.
fn everywhere(name: &str, candidates: usize, keys: &str) {
    for (columns, rows) in SIZES {
        let session = if candidates == 0 { Session::default() } else { Session::rollout(candidates) };
        let mut harness = Harness::new(session, (columns, rows));
        harness.script(keys);
        insta::assert_snapshot!(format!("{name}_{columns}x{rows}"), harness.frame());
    }
}

fn harness(keys: &str) -> Harness {
    let mut harness = Harness::new(Session::rollout(60), (120, 36));
    harness.script(keys);
    harness
}

#[test]
fn nothing_received_yet() {
    everywhere("empty", 0, "");
}

#[test]
fn with_a_relay() {
    let url = "https://play.svix.com/in/c_0a1B2c3D4e5F6g7H8i9J0k1L2m3/";
    for (columns, rows) in SIZES {
        let mut harness = Harness::new(Session::default(), (columns, rows));
        let mut tell = |relay: Relay| {
            harness.send(Msg::Vitals(Box::new(Vitals { relay: Some(relay), ..Vitals::default() })));
            harness.frame()
        };
        assert!(tell(Relay::default()).contains("relay"));
        let live =
            Relay { link: Link::Live { heard_at: at(-12) }, url: Some(url.into()), ..Relay::default() };
        insta::assert_snapshot!(format!("relay_{columns}x{rows}"), tell(live.clone()));
        let link = Link::Retrying { at: at(4) };
        let (last_end, down_since) = (Some("it was silent for 45 s\u{1b}[2J".into()), Some(at(-9)));
        let down = Relay { link, last_end, down_since, ..live.clone() };
        insta::assert_snapshot!(format!("relay_down_{columns}x{rows}"), tell(down));
        let moved = Relay { replaced: Some("https://play.svix.com/in/c_old/".into()), ..live };
        let frame = tell(moved);
        assert!(columns < 80 || frame.contains(url) && frame.contains("at Testlify"), "{frame}");
        harness.script("yr");
        assert!(matches!(harness.effects.last(), Some(Effect::Copy { text, .. }) if text == url));
        harness.script("x");
        assert!(!harness.frame().contains("c_0a1B"), "hidden with everything else");
    }
}

/// Some events went on, one is tried again, one was given up; the target is gone.
#[test]
fn with_a_target() {
    for (columns, rows) in SIZES {
        let mut session = Session::rollout(60);
        let count = session.events.len();
        for (n, status) in [(1, 204), (2, 500), (3, 503), (5, 200)] {
            let state = match status {
                500 => State::Retrying,
                503 => State::GivenUp,
                _ => State::Delivered,
            };
            let note = if status == 204 { String::new() } else { "{\"error\":\"\u{1b}[2J\"}".to_owned() };
            let told = Forwarded {
                at: at(-9),
                attempts: 2,
                state,
                status: Some(status),
                millis: 12,
                note,
                replayed: false,
            };
            session.events[count - 1 - n].1.forwarded = Some(Box::new(told));
        }
        let mut harness = Harness::new(session, (columns, rows));
        let target = "http://127.0.0.1:3000/webhook".to_owned();
        let trouble = Trouble { since: at(-9), why: "Connection refused".into(), again_at: Some(at(3)) };
        let forward = Forwarding { target, follows: true, waiting: 12, ..Forwarding::default() };
        let mut tell = |trouble, keys: &str| {
            let forward = Some(Forwarding { trouble, ..forward.clone() });
            harness.send(Msg::Vitals(Box::new(Vitals { forward, ..Vitals::default() })));
            harness.script(keys).frame()
        };
        let panes = tell(Some(trouble.clone()), "4jjj");
        if columns == 120 {
            insta::assert_snapshot!("forward_panes_120x36", panes);
        }
        insta::assert_snapshot!(format!("forward_{columns}x{rows}"), tell(Some(trouble), "+"));
        insta::assert_snapshot!(format!("forward_payload_{columns}x{rows}"), tell(None, "jj<enter>H"));
        insta::assert_snapshot!(
            format!("replay_{columns}x{rows}"),
            tell(None, "<esc>fevent:completed<enter>r")
        );
        harness.script("y");
        let Some(Effect::Replay(Replay::Chosen { total, .. })) = harness.effects.last() else {
            panic!("{:?}", harness.effects.last())
        };
        assert!(*total > 3);
        harness.script("<esc>");
        assert_eq!(harness.effects.last(), Some(&Effect::StopReplay));
    }
}

/// Whether all is given up or was taken in the end: nothing fails any more where nothing is tried.
#[test]
fn with_a_target_that_is_asked_for_nothing() {
    for (columns, rows) in SIZES {
        let mut session = Session::rollout(12);
        session.events[3].1.forwarded = Some(Box::new(given_up()));
        let mut harness = Harness::new(session, (columns, rows));
        let trouble = Some(Trouble { since: at(-9), why: "it answers 500".into(), again_at: None });
        let target = "http://127.0.0.1:3000/webhook".to_owned();
        let forward = Some(Forwarding { target, follows: true, trouble, ..Forwarding::default() });
        harness.send(Msg::Vitals(Box::new(Vitals { forward, ..Vitals::default() })));
        let frame = harness.frame();
        let said = if rows > 12 { "forward idle, 1 failed" } else { "fwd 1 failed" };
        assert!(frame.contains(said) && (rows == 12 || frame.contains("gave up 1 event")), "{frame}");
        assert!(!frame.contains("fails") && !frame.contains("behind"), "{frame}");
    }
}

/// The reasons stand one by one only where all of them have room.
#[test]
fn figures_are_never_cut_for_the_reasons() {
    for columns in 84..160 {
        let mut harness = Harness::new(Session::rollout(60), (columns, 24));
        let refusals = harness.session.refusals();
        let vitals = Vitals { refused: [21, 0, 21, 0, 42, 0], refusals, called: 3, ..Vitals::default() };
        harness.send(Msg::Vitals(Box::new(vitals)));
        let frame = harness.frame();
        let line = frame.lines().nth(1).unwrap();
        let few = line.contains("84 refused (signature 17s)");
        let all = line.contains("84 refused (21 no headers, 21 too old, 42 signature, 17s ago)");
        assert!((few || all) && line.contains("! 3") && !line.contains('…'), "{frame}");
        assert!(columns < 140 || all, "{frame}");
    }
}

fn given_up() -> Forwarded {
    Forwarded {
        at: at(-9),
        attempts: 4,
        state: State::GivenUp,
        status: Some(500),
        millis: 12,
        note: String::new(),
        replayed: false,
    }
}

/// What was given up or is tried again has its sign wherever it is told whom an event is about.
#[test]
fn what_did_not_go_on_is_signed_at_every_width() {
    for columns in 30..160 {
        let mut session = Session::rollout(12);
        let result = given_up();
        for (event, line) in &mut session.events {
            event.candidate_name = Some("Ann".into());
            line.candidate_name = Some("Ann".into());
            line.forwarded = Some(Box::new(result.clone()));
        }
        let frame = Harness::new(session, (columns, 24)).script("4").frame();
        let events = frame.lines().skip_while(|line| !line.contains("event  "));
        let about: Vec<&str> = events.filter(|line| line.contains("Ann")).collect();
        assert!(columns < 40 || !about.is_empty(), "{frame}");
        assert!(about.iter().all(|line| line.contains('●')), "{columns}:\n{frame}");
    }
}

#[test]
fn with_no_target_it_says_how_to_give_one() {
    let mut harness = harness("4jjjr");
    assert!(harness.frame().contains("start with --forward-to URL"));
    assert!(!harness.frame().contains("fwd"));
    harness.send(Msg::Vitals(Box::new(Vitals { forward: Some(Forwarding::default()), ..Vitals::default() })));
    harness.script("2r");
    assert!(harness.frame().contains("Only an event can be sent again"));
}

#[test]
fn a_busy_start_screen() {
    everywhere("assessments", 60, "");
    everywhere("candidates", 60, "2jj");
    everywhere("violations", 60, "3jj");
    everywhere("events", 60, "4jj");
}

#[test]
fn a_pane_alone() {
    everywhere("zoomed", 60, "2+");
}

#[test]
fn an_assessment_in_depth() {
    everywhere("assessment", 60, "<enter>");
}

#[test]
fn a_candidacys_timeline() {
    everywhere("timeline", 60, "2<enter>jjj");
}

#[test]
fn a_payload() {
    everywhere("payload", 60, "2<enter>G<enter>/tabSwitch<enter>");
}

#[test]
fn a_body_as_it_came_is_drawn_whole() {
    for size in SIZES {
        let mut harness = Harness::new(Session::rollout(60), size);
        harness.script("2<enter>G<enter>R");
        let lines: Vec<String> = match &harness.model.payload().unwrap().reading {
            Some(reading) => reading.raw_lines().map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let frame = harness.frame();
        assert!(lines.len() > 1, "{frame}");
        assert!(lines.iter().all(|line| frame.contains(line.as_str())), "{lines:#?}\n{frame}");
    }
}

#[test]
fn what_changed() {
    everywhere("changes", 60, "2<enter>Gd");
}

#[test]
fn why_a_delivery_was_refused() {
    everywhere("refusal", 60, "4<enter>");
}

#[test]
fn questions_have_short_answers() {
    everywhere("in_test", 60, "2]");
    everywhere("not_started", 60, "2]]");
    everywhere("red", 60, "2[");
    everywhere("disqualified", 60, "2[[");
}

#[test]
fn overlays() {
    everywhere("help", 60, "?");
    everywhere("palette", 60, ":cop");
    everywhere("filter_mistake", 60, "fflag:rod");
    everywhere("filtered", 60, "fflag:red<enter>2");
    everywhere("which_key", 60, "y");
    everywhere("save", 60, "s");
    everywhere("link", 60, "2o");
}

#[test]
fn what_was_said_goes_when_something_lies_over_it() {
    for keys in ["f", "/", "s", "?", ":"] {
        let mut harness = harness("1m");
        assert!(harness.frame().contains("Only events can be marked"));
        harness.script(keys);
        assert!(!harness.frame().contains("Only events can be marked"), "{keys}:\n{}", harness.frame());
    }
    let mut harness = Harness::new(Session::rollout(60), (80, 24));
    let before = harness.script("f").frame();
    let long =
        "Not saved: /home/ann/rollout/autumn/redacted.json exists already; choose another name, or remove it";
    harness.send(Msg::Done(Outcome::Failed(long.into())));
    let after = harness.frame();
    assert!(after.contains("Not saved"), "{after}");
    let above = |frame: &str| frame.lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(above(&after), above(&before), "the line that is typed is seen whole");
}

#[test]
fn a_secret_is_asked_for() {
    for size in SIZES {
        let setup = Setup {
            has_secret: false,
            size,
            url: Some("http://127.0.0.1:8080/webhook".into()),
            ..Setup::default()
        };
        let mut harness = Harness::with(Setup { now: at(0), ..setup }, Session::default());
        harness.script("whsec_short<enter>");
        assert!(matches!(harness.effects.last(), Some(Effect::SetSecret(_))));
        harness.send(Msg::Done(Outcome::SecretRejected(
            "This is too short: a secret has 24 bytes or more".into(),
        )));
        let (columns, rows) = size;
        insta::assert_snapshot!(format!("secret_{columns}x{rows}"), harness.frame());
        harness.script("<esc>");
        assert!(harness.frame().contains("No secret yet") && harness.model.overlays.is_empty());
    }
}

#[test]
fn what_waits_for_the_secret_is_unverified_and_not_refused() {
    for size in SIZES {
        let mut session = Session::rollout(12);
        for (_, refusal) in &mut session.refusals {
            refusal.pending = true;
        }
        let (refusals, pending) = (session.refusals(), session.refusals.len() as u64);
        let mut harness = Harness::new(session, size);
        harness.send(Msg::Vitals(Box::new(Vitals { refusals, pending, ..Vitals::default() })));
        let frame = harness.script("4").frame();
        assert!(frame.contains(&format!("{pending} unverified")), "{frame}");
        assert!(frame.contains("▲ unverified") && !frame.contains("● refused"), "{frame}");
        let opened = harness.script("<enter>").frame();
        assert!(opened.contains("unverified delivery") && !opened.contains("Refused"), "{opened}");
    }
}

#[test]
fn without_colour_or_unicode_it_says_the_same() {
    let mut harness = harness("2jj");
    harness.model.ascii = true;
    harness.styles = Styles::new(&Theme::built_in("mono"), Depth::Full, true);
    let buffer = harness.buffer();
    let frame = text(&buffer);
    insta::assert_snapshot!("mono_ascii_120x36", frame);
    assert!(frame.is_ascii());
    let reset = ratatui::style::Color::Reset;
    assert!(buffer.content().iter().all(|cell| cell.fg == reset && cell.bg == reset));
    let turned =
        buffer.content().iter().filter(|cell| cell.modifier.contains(ratatui::style::Modifier::REVERSED));
    assert!(turned.count() > 40, "the cursor's row is turned round");
}

#[test]
fn redaction_hides_people_everywhere() {
    for keys in ["", "2<enter>", "2<enter>G<enter>", "2<enter>G<enter>R", "3", "<enter>", "2<enter>Gd"] {
        let mut harness = harness(&format!("x{keys}"));
        for _ in 0..3 {
            let frame = harness.frame();
            for word in ["Bea", "Grant", "Olu", "candidate0@", "example.com", "203.0.113", "example.testlify"]
            {
                assert!(!frame.contains(word), "{word} after {keys}:\n{frame}");
            }
            harness.script("<pagedown>");
        }
    }
}

#[test]
fn redaction_hides_whom_a_filter_names() {
    for size in SIZES {
        for keys in ["", "f", "f zoe:x", "f<ctrl-u><up>", "s", "2<enter>", "2<enter><enter>"] {
            let mut harness = Harness::new(Session::rollout(60), size);
            harness.script("fcandidate:candidate7@example.com -zoe is:forwarded OR flag:red<enter>x");
            let frame = harness.script(keys).frame();
            for word in ["candidate7", "example.com", "zoe"] {
                assert!(!frame.contains(word), "{word} after {keys}:\n{frame}");
            }
            assert!(!frame.contains("Filter ─") || frame.contains("flag:red"), "{frame}");
            harness.script("<esc><esc><esc>x");
            let shown = harness.frame();
            assert!(size.0 < 120 || shown.contains("candidate7"), "{shown}");
        }
    }
}

#[test]
fn redaction_hides_where_refused_deliveries_came_from() {
    for size in SIZES {
        for keys in ["4", "4<enter>"] {
            let mut harness = Harness::new(Session::rollout(60), size);
            let shown = harness.script(keys).frame();
            assert!(size.0 < 80 || shown.contains("198.51.100.7"), "{shown}");
            let frame = harness.script("x").frame();
            assert!(!frame.contains("198.51"), "{frame}");
            assert!(size.0 < 80 || frame.contains("Address "), "{frame}");
        }
    }
}

#[test]
fn hostile_text_stays_in_its_cell() {
    let mut session = Session::rollout(5);
    let nasty =
        format!("\u{1b}]0;owned\u{7}\u{202e}evil\u{200b}{}\u{9b}31m李", "e\u{301}\u{302}\u{303}".repeat(400));
    let event = invigil::domain::event::Event {
        name: Some(nasty.clone()),
        assessment_id: Some(nasty.clone()),
        assessment_name: Some(nasty.clone()),
        candidate_id: Some(nasty.clone()),
        candidate_name: Some(nasty.clone()),
        email: Some(nasty),
        kind: Some(invigil::domain::event::EventKind::InProgress),
        ..Default::default()
    };
    session.keep(event, at(-1));
    for keys in ["", "G", "2", "2<enter>", "4", "<enter>"] {
        let mut harness = Harness::new(Session::default(), (100, 30));
        std::mem::swap(&mut harness.session, &mut session);
        harness.commit();
        harness.script(keys);
        let frame = harness.frame();
        let controls =
            frame.chars().filter(|c| *c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')));
        assert_eq!(controls.count(), 0, "{frame}");
        std::mem::swap(&mut harness.session, &mut session);
    }
}

#[test]
fn the_cursor_stays_on_its_row_while_rows_arrive() {
    let mut harness = harness("4jjj");
    let row = harness.model.events.current().cloned();
    for n in 0..80 {
        let event = invigil::domain::event::Event { name: Some(format!("new.{n}")), ..Default::default() };
        harness.session.keep(event, at(n));
        harness.commit();
        assert_eq!(harness.model.events.current().cloned(), row);
    }
    assert!(harness.frame().contains("newer"));
    harness.script("g");
    assert!(harness.frame().contains("new.79"));
}

#[test]
fn paused_means_still() {
    let mut harness = harness("4<space>");
    let total = harness.model.events.total();
    for n in 0..5 {
        let event = invigil::domain::event::Event { name: Some(format!("new.{n}")), ..Default::default() };
        harness.session.keep(event, at(n));
        let count = harness.session.len();
        harness.vitals(count);
        harness.commit();
    }
    assert_eq!(harness.model.events.total(), total);
    assert!(harness.frame().contains("PAUSED +5 new"), "{}", harness.frame());
    harness.script("<space>");
    assert_eq!(harness.model.events.total(), total + 5);
}

#[test]
fn a_filter_is_kept_until_a_good_one_comes() {
    let mut harness = harness("fflag:red<enter>");
    let red = harness.model.candidates.total();
    assert!(red > 0 && red < 60);
    harness.script("f<ctrl-u>flag:rod<enter>");
    assert_eq!(harness.model.overlays.len(), 1, "the mistake stays on screen");
    harness.script("<esc>");
    assert_eq!(harness.model.candidates.total(), red);
    harness.script("s");
    assert!(harness.frame().contains("Only what the filter chooses"));
    harness.script("<enter>");
    let saved = harness.effects.pop().unwrap();
    assert!(matches!(saved, Effect::Save { filter: Some(_), redact: false, .. }), "{saved:?}");
    harness.script("f<ctrl-u><enter>");
    assert_eq!(harness.model.candidates.total(), 60);
    harness.script("4Gf").script("flag:red<enter>");
    assert_eq!(harness.model.events.index(), 0, "the row is not in this list: it begins at its beginning");
}

#[test]
fn searching_a_list_goes_round() {
    let mut harness = harness("2/grant<enter>");
    let first = harness.model.candidates.current().cloned().unwrap();
    let mut seen = vec![first.candidate_id.clone()];
    for _ in 0..60 {
        harness.script("n");
        let row = harness.model.candidates.current().cloned().unwrap();
        if row.candidate_id == first.candidate_id {
            break;
        }
        assert!(row.name.unwrap().contains("Grant"));
        seen.push(row.candidate_id);
    }
    assert!(seen.len() > 2);
    harness.script("N");
    assert_eq!(harness.model.candidates.current().map(|row| &row.candidate_id), seen.last());
    harness.script("/nobody at all<enter>");
    assert!(harness.frame().contains("is not in this list"));
}

#[test]
fn a_word_inside_a_body_is_found_and_shown_there() {
    let mut harness = Harness::new(Session::rollout(12), (120, 36));
    harness.script("1/svix-signature<enter>");
    assert!(harness.frame().contains("is not in this list"));
    harness.script("/<ctrl-t>teleported<enter>");
    let frame = harness.frame();
    assert!(frame.contains("Found in this body"), "{frame}");
    harness.script("<enter>");
    let frame = harness.frame();
    assert!(frame.contains("Payload") && frame.contains("teleported"), "{frame}");
    harness.script("<esc>/<ctrl-t>");
    assert!(harness.frame().contains("In names, addresses, ids and titles"));
    harness.script("<ctrl-t>nowhere at all<enter>");
    assert!(harness.frame().contains("is in no body of this list"));
}

#[test]
fn a_field_is_found_in_a_payload_while_it_is_typed() {
    let mut harness = harness("2<enter><enter>");
    harness.script("/score");
    let typed = harness.frame();
    assert!(typed.contains("1/"), "{typed}");
    harness.script("<enter>n");
    assert!(harness.frame().contains("2/"), "{}", harness.frame());
    harness.script("/nothing<esc>");
    assert!(!harness.frame().contains("/nothing"));
}

#[test]
fn problems_and_marks_are_stepped_through() {
    let mut harness = harness("4Gm");
    let marked = harness.model.events.current().cloned();
    harness.script("gu");
    assert_ne!(harness.model.events.current().cloned(), marked, "there is one before it");
    harness.script("u");
    assert_eq!(
        harness.model.events.current().map(invigil::domain::query::Row::key),
        marked.as_ref().map(invigil::domain::query::Row::key)
    );
    harness.script("ge");
    let before = harness.model.events.index();
    harness.script("eee");
    assert!(harness.model.events.index() > before);
    harness.script("<enter>e");
    assert!(harness.model.payload().is_some_and(|level| level.head.get().is_some()));
}

#[test]
fn copying_leaves_as_an_effect() {
    let copied = |keys: &str| match harness(keys).effects.pop() {
        Some(Effect::Copy { text, what }) => (text, what),
        other => panic!("{keys}: {other:?}"),
    };
    assert_eq!(copied("yu").0, "http://127.0.0.1:8080/webhook");
    assert_eq!(copied("4jjjjyi").1, "the event's id");
    assert!(copied("4jjjjyy").0.starts_with('{'));
    assert!(
        copied("4jjjjyc").0.starts_with("curl -sS -X POST 'http://127.0.0.1:8080/webhook' -H 'content-type")
    );
    assert_eq!(copied("2<enter>G<enter>/lastName<enter>yp").0, ".data.candidate.lastName");
}

#[test]
fn the_mouse_takes_panes_rows_and_depth() {
    let mut harness = harness("");
    let press = |harness: &mut Harness, column, row, kind| harness.send(Msg::Mouse { column, row, kind });
    press(&mut harness, 70, 25, MouseKind::Press);
    assert_eq!(harness.model.focus, invigil::app::pane::Pane::Events);
    let at = harness.model.events.index();
    press(&mut harness, 70, 25, MouseKind::WheelDown);
    assert_eq!(harness.model.events.index(), at + 3);
    press(&mut harness, 10, 11, MouseKind::Press);
    assert_eq!(harness.model.view, invigil::app::pane::View::InTest);
    press(&mut harness, 10, 14, MouseKind::Double);
    assert!(harness.model.candidacy().is_some());
}

#[test]
fn a_small_screens_tabs_are_clicked() {
    let mut harness = Harness::new(Session::rollout(12), (40, 12));
    let mut click = |wanted: &str| {
        let frame = harness.frame();
        let tabs = frame.lines().nth(1).unwrap();
        let column = tabs.find(wanted).unwrap() as u16;
        harness.send(Msg::Mouse { column, row: 1, kind: MouseKind::Press });
        harness.model.focus
    };
    assert_eq!(click("Viola"), Pane::Violations);
    assert_eq!(click("4 Event"), Pane::Events);
    assert_eq!(click("Candi"), Pane::Candidates);
    assert_eq!(click("Asses"), Pane::Assessments);
}

#[test]
fn quitting_goes_back_first() {
    let mut harness = harness("2<enter><enter>q");
    assert_eq!(harness.model.levels.len(), 1);
    harness.script("qq");
    assert_eq!(harness.effects.last(), Some(&Effect::Quit));
    assert_eq!(self::harness("2<enter>Q").effects.last(), Some(&Effect::Quit));
    assert_eq!(self::harness("f<ctrl-c>").effects.last(), Some(&Effect::Quit));
}

#[test]
fn a_saved_session_says_so() {
    let setup = Setup {
        mode: Mode::Open,
        path: "/tmp/x.json".into(),
        size: (120, 36),
        now: at(0),
        ..Setup::default()
    };
    let harness = Harness::with(setup, Session::rollout(3));
    let frame = harness.frame();
    assert!(
        frame.contains("SAVED") && frame.contains("/tmp/x.json") && !frame.contains("refused ("),
        "{frame}"
    );
}

#[test]
fn violations_are_told_by_candidate_and_back() {
    use invigil::app::pane::{Pane, View};
    let mut harness = harness("3v");
    assert_eq!((harness.model.focus, harness.model.view), (Pane::Candidates, View::Flagged));
    assert!(!harness.model.candidates.rows().is_empty());
    assert!(harness.model.candidates.rows().iter().all(|row| row.counts.sum() > 0));
    harness.script("v");
    assert_eq!((harness.model.focus, harness.model.view), (Pane::Violations, View::All));
}

#[test]
fn a_saved_session_takes_no_marks_and_says_so() {
    let setup = Setup { mode: Mode::Open, now: at(0), size: (120, 36), ..Setup::default() };
    let mut harness = Harness::with(setup, Session::rollout(20));
    harness.script("4m");
    assert!(!harness.effects.iter().any(|effect| matches!(effect, Effect::Mark(..))));
    assert!(harness.frame().contains("only read"));
}
