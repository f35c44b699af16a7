//! What the live state says after this and that.

use super::*;

fn refusal(pending: bool) -> Refusal {
    Refusal {
        number: 0,
        at: Timestamp::default(),
        peer: None,
        id: None,
        code: Code::NoMatchingSignature,
        sentence: String::new(),
        clock_off_secs: None,
        pending,
    }
}

#[test]
fn the_ring_forgets_and_the_counters_do_not() {
    let pulse = Pulse::default();
    for _ in 0..RING + 10 {
        pulse.refused(refusal(false));
    }
    assert_eq!(pulse.refusals().len(), RING);
    assert_eq!((pulse.snapshot().refused(), pulse.snapshot().streak), (RING as u64 + 10, RING as u64 + 10));
}

#[test]
fn a_rule_about_the_door_calls_once_for_one_trouble() {
    let rules = ["refused >= 3 in 1m", "quiet >= 10m"].map(|rule| rule.parse().unwrap());
    let pulse = Pulse::new(Rules::new(rules.into()));
    let at = |secs: i64| Timestamp::default().plus_millis(secs * 1000);
    let refuse = |secs| pulse.refused(Refusal { at: at(secs), ..refusal(false) });
    let called = || pulse.snapshot().called;
    pulse.listen_for_silence(at(0));
    for secs in [0, 50, 120, 130] {
        refuse(secs);
    }
    assert_eq!(called(), 0, "never three within a minute");
    refuse(140);
    refuse(150);
    assert_eq!(called(), 1);
    pulse.listen_for_silence(at(599));
    assert_eq!(called(), 1);
    pulse.listen_for_silence(at(600));
    pulse.listen_for_silence(at(700));
    assert_eq!(called(), 2, "quiet since the start, told once");
    pulse.accepted(Receipt::Fresh(1), true, at(710), None);
    pulse.listen_for_silence(at(1309));
    assert_eq!(called(), 2);
    pulse.listen_for_silence(at(1310));
    assert_eq!(called(), 3);
}

#[test]
fn what_another_invigil_reports_stands_for_what_happens_here() {
    let pulse = Pulse::new(Rules::new(vec!["refused >= 2 in 1m".parse().unwrap()]));
    let ring = |numbers: std::ops::RangeInclusive<u64>| {
        Some(numbers.map(|number| (7, Refusal { number, ..refusal(false) })).collect())
    };
    let vitals = Vitals { accepted: 9, storage_fault: Some("full there".into()), ..Vitals::default() };
    pulse.reported(Report { newest: 7, vitals: vitals.clone(), unforwarded: 2, refusals: ring(1..=300) });
    assert_eq!((pulse.refusals().len(), pulse.snapshot().called), (RING, 0), "what was before calls nobody");
    assert_eq!(pulse.snapshot().accepted, 9);
    assert_eq!(pulse.snapshot().storage_fault.as_deref(), Some("full there"));
    pulse.storage(Some("full here".into()));
    pulse.reported(Report { newest: 7, vitals, unforwarded: 0, refusals: ring(200..=301) });
    assert_eq!(pulse.snapshot().storage_fault.as_deref(), Some("full here"));
    assert_eq!(pulse.snapshot().called, 1);
    pulse.storage(None);
    pulse.reported(Report { newest: 7, ..Report::default() });
    assert_eq!((pulse.refusals().len(), pulse.snapshot().storage_fault), (102, None));
}

#[test]
fn what_waited_for_a_secret_leaves_or_stays_refused() {
    let pulse = Pulse::default();
    let (first, second) = (pulse.refused(refusal(true)), pulse.refused(refusal(true)));
    pulse.settled(first, None);
    pulse.settled(second, Some((Code::NoMatchingSignature, "wrong".into())));
    let vitals = pulse.snapshot();
    assert_eq!((vitals.pending, vitals.refusals.len()), (0, 1));
    assert!(!vitals.refusals[0].pending);
}
