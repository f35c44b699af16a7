//! Frames of a look at another invigil: catching up, followed while its forwarding waits, and lost.

use invigil::app::model::{Mode, Setup};
use invigil::app::msg::Msg;
use invigil::domain::forward::{Forwarding, Trouble};
use invigil::domain::vitals::{Attachment, Link, Relay, Vitals};

use super::support::Harness;
use super::support::session::{Session, at};

const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 36), (200, 60)];

fn looking_on(candidates: usize, size: (u16, u16)) -> Harness {
    let setup = Setup {
        mode: Mode::Attach,
        session: "invigil.example.com:7070".into(),
        path: "/home/ann/mirror.sqlite".into(),
        now: at(0),
        size,
        ..Setup::default()
    };
    let session = if candidates == 0 { Session::default() } else { Session::rollout(candidates) };
    Harness::with(setup, session)
}

/// What the other side said last: it has a relay, and whatever it forwards to is gone.
fn told(attachment: Attachment) -> Msg {
    let trouble = Trouble { since: at(-9), why: "Connection refused".into(), again_at: Some(at(3)) };
    let forward = Forwarding {
        target: "http://127.0.0.1:3000/webhook".into(),
        follows: true,
        waiting: 1_289,
        trouble: Some(trouble),
        ..Forwarding::default()
    };
    Msg::Vitals(Box::new(Vitals {
        attachment: Some(attachment),
        forward: Some(forward),
        ..Vitals::default()
    }))
}

fn live(behind: u64) -> Attachment {
    Attachment { link: Link::Live { heard_at: at(-1) }, behind, reported: true, ..Attachment::default() }
}

/// Lost a while ago.
fn lost() -> Attachment {
    Attachment {
        link: Link::Retrying { at: at(12) },
        last_end: Some("it cannot be reached: Connection refused".into()),
        down_since: Some(at(-30)),
        ..live(0)
    }
}

#[test]
fn an_empty_mirror_says_what_it_waits_for() {
    for size @ (columns, rows) in SIZES {
        let mut harness = looking_on(0, size);
        let mut shown = |attachment| {
            harness.send(Msg::Vitals(Box::new(Vitals { attachment: Some(attachment), ..Vitals::default() })));
            harness.frame()
        };
        assert!(!shown(lost()).contains("Waiting for the first event"));
        let behind = shown(live(41_000));
        assert!(!behind.contains("Nothing has come"), "{behind}");
        insta::assert_snapshot!(format!("attached_behind_{columns}x{rows}"), behind);
        if rows > 12 {
            assert!(shown(live(0)).contains("Waiting for the first event"));
        }
    }
}

/// The figures of a header are there whole, however little room there is, and so is what to do.
#[test]
fn a_narrow_screen_tells_all_of_it() {
    for size @ (columns, rows) in SIZES {
        let mut harness = looking_on(60, size);
        harness.send(told(live(0)));
        harness.script("4r");
        let frame = harness.frame();
        if rows > 12 {
            assert!(frame.contains("forward waits, 1289 behind"), "{frame}");
        }
        let said: String = frame.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("with --forward-to URL"), "{frame}");
        insta::assert_snapshot!(format!("attached_forward_{columns}x{rows}"), frame);
    }
}

/// Link, relay and forwarding say in few words what they have no room for in many.
#[test]
fn a_header_says_all_of_it() {
    for (columns, said) in [
        (80, "invigil.ex…  1234 behind  relay 12s  fwd 1289 behind, 6 failed"),
        (100, "behind by 1,234  relay 12s  forward waits, 1289 behind, 6 failed"),
        (120, "behind by 1,234  relay live, heard 12s ago  forward waits, 1289 behind, 6 failed"),
    ] {
        let mut harness = looking_on(60, (columns, 24));
        let Msg::Vitals(mut vitals) = told(Attachment { unforwarded: 6, ..live(1_234) }) else { return };
        vitals.relay = Some(Relay { link: Link::Live { heard_at: at(-12) }, ..Relay::default() });
        harness.send(Msg::Vitals(vitals));
        let frame = harness.frame();
        assert!(frame.lines().next().unwrap().contains(said), "{frame}");
    }
}

/// That nothing failed is not to be read out of a list that cannot know.
#[test]
fn an_empty_list_says_who_knows_what_was_forwarded() {
    for size in SIZES {
        for (filter, told) in [("is:unforwarded", true), ("-is:forwarded nobody", true), ("nobody", false)] {
            let mut harness = looking_on(60, size);
            harness.send(self::told(Attachment { unforwarded: 6, ..live(0) }));
            harness.script(&format!("4f{filter}<enter>"));
            let frame = harness.frame();
            let said: String = frame.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(said.contains("known over there"), told, "{frame}");
        }
    }
}

/// What the other side said before it went is no news of now.
#[test]
fn what_is_lost_tells_nothing() {
    for size @ (columns, rows) in SIZES {
        let mut harness = looking_on(60, size);
        harness.send(told(live(0)));
        assert!(harness.frame().contains("orward"));
        let just = Attachment { down_since: Some(at(-1)), ..lost() };
        harness.send(told(just));
        assert!(!harness.frame().contains("orward"), "{}", harness.frame());
        let Msg::Vitals(mut vitals) = told(Attachment { refused: true, ..lost() }) else { return };
        vitals.relay = Some(Relay::default());
        harness.send(Msg::Vitals(vitals));
        let frame = harness.frame();
        assert!(!frame.contains("orward") && !frame.contains("relay"), "{frame}");
        assert!(
            frame.contains(if rows > 12 { "refused, retrying in 12s" } else { "again in 12s" }),
            "{frame}"
        );
        let said: String = frame.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("it cannot be reached: Connection refused"), "{frame}");
        insta::assert_snapshot!(format!("attached_lost_{columns}x{rows}"), frame);
    }
}
