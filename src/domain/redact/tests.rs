//! What names a person is replaced wherever it stands, and everything else stays.

use super::*;

const SAMPLE: &str = include_str!("../../../assets/samples/candidate.completed.json");

#[test]
fn nothing_of_a_person_is_left_in_the_sample() {
    let redacted = Redactor::new(&["Bea Grant".into()]).payload(SAMPLE);
    let folded = redacted.to_lowercase();
    for personal in
        ["bea", "grant", "example.com", "203.0.113", "21.9974", "79.0011", "eyjlbwfpbci6", "testlify.com"]
    {
        assert!(!folded.contains(personal), "{personal} in {redacted}");
    }
    assert!(crate::json::check(&redacted).is_ok());
    for kept in ["Backend Engineer", "57.49999999999999", "\"tabSwitchCount\":0", "6a019dfcd71395322307e373"]
    {
        assert!(redacted.contains(kept), "{kept} is nobody's secret");
    }
}

#[test]
fn pseudonyms_are_stable_and_differ() {
    let redactor = Redactor::new(&["Bea Grant".into(), "Ann Lee".into()]);
    assert_eq!(redactor.text("Bea Grant"), redactor.text("bea grant "));
    assert_ne!(redactor.text("Bea Grant"), redactor.text("Ann Lee"));
    let prose = redactor.payload(r#"{"note":"Bea wrote to bea@example.org","\u00e9":"Żbea"}"#);
    assert!(!prose.to_lowercase().contains("bea"), "{prose}");
}

#[test]
fn a_person_called_like_a_word_of_the_sender_changes_no_event() {
    let people = ["Test Candidate", "Event Data", "Comple Ted", "Ada 6a0"].map(str::to_owned);
    let redacted = Redactor::new(&people).payload(SAMPLE);
    let (before, after) = (crate::domain::envelope::decode(SAMPLE.as_bytes()), redacted.into_bytes());
    let after = crate::domain::envelope::decode(&after);
    assert_eq!((after.kind, after.candidacy()), (before.kind, before.candidacy()));
    assert_eq!((after.score, after.signals), (before.score, before.signals));
    assert_ne!(after.candidate_name, before.candidate_name);
    let own = Redactor::new(&people).payload(r#"{"ada_answers":1,"Ada":2,"canada":3}"#);
    assert!(!own.contains("ada_answers") && !own.contains("Ada") && own.contains("canada"), "{own}");
}

#[test]
fn what_stands_around_an_address_or_a_link_stays() {
    let redactor = Redactor::new(&["Ann Lee".into()]);
    let bea = redactor.text("bea.grant@example.com");
    let (ip, link) = (redactor.pseudonym("ip", "10.1.2.3"), redactor.pseudonym("link", "www.example.com"));
    let quoted = redactor.text("\"bea grant\"@example.com");
    for (text, told) in [
        ("write bea.grant@example.com, ip 10.1.2.3 now", format!("write {bea}, ip {ip} now")),
        ("bea.grant@example.com and BEA.grant@example.com\n", format!("{bea} and {bea}\n")),
        (
            "(\"<bea.grant@example.com>\"),\u{a0}'bea.grant@example.com'?!",
            format!("(\"<{bea}>\"),\u{a0}'{bea}'?!"),
        ),
        (
            "<mailto:bea.grant@example.com>; MAILTO:bea.grant@example.com",
            format!("<mailto:{bea}>; MAILTO:{bea}"),
        ),
        ("to \"bea grant\"@example.com.", format!("to {quoted}.")),
        ("see (www.example.com), www.example.com", format!("see ({link}), {link}")),
        ("(//cdn.example.com/a b", format!("({} b", redactor.pseudonym("link", "//cdn.example.com/a"))),
        ("  nothing, (here)  ", "  nothing, (here)  ".to_owned()),
    ] {
        assert_eq!(redactor.words(text), told, "{text}");
    }
}

#[test]
fn a_coordinate_is_one_wherever_it_stands_and_a_version_is_no_address() {
    let redactor = Redactor::new(&[]);
    for key in [
        "lat",
        "lng",
        "lon",
        "Lat",
        "latitude",
        "longitude",
        "startLongitude",
        "recentLatitude",
        "coordinates",
    ] {
        for value in ["48.8584", "\"48.8584\"", "[48.8584,{\"x\":48.8584}]"] {
            let redacted = redactor.payload(&format!(r#"{{"data":{{"any":[{{"{key}":{value}}}]}}}}"#));
            assert!(!redacted.contains("48.8584"), "{redacted}");
        }
    }
    let kept = r#"{"browserVersion":"148.0.0.0","version":"10.1.2.3","latency":48.8584,"flat":48.8584}"#;
    assert_eq!(redactor.payload(kept), kept);
    let other = redactor.payload(r#"{"browserVersion":"10.1.2.3, at 10.1.2.3","osVersion":"2001:db8::7"}"#);
    assert!(!other.contains("10.1.2.3") && !other.contains("2001:db8"), "{other}");
}

proptest::proptest! {
    /// An address has the same pseudonym wherever it stands, and nothing of it is left.
    #[test]
    fn nothing_of_an_address_is_left(
        local in "[a-z]{5}([.+'][a-z]{5})?|\"[a-z]{5}[ <>(@,][a-z]{5}\"",
        before in "([a-d]{1,3}[ \n])?[(<\\[\"']{0,3}(mailto:)?",
        after in "[,.;:!?)>\\]\"']{0,3}([ \n][a-d]{1,3})?",
        joint in proptest::option::of("[@,;<>\"']{1,2}"),
    ) {
        let address = format!("{local}@host.example");
        let text = match &joint {
            Some(joint) => format!("{before}{address}{joint}{address}{after}"),
            None => format!("{before}{address}{after}"),
        };
        let redactor = Redactor::new(&[]);
        let redacted = redactor.words(&text);
        for part in local.split(|c: char| !c.is_ascii_lowercase()).filter(|part| part.len() == 5) {
            proptest::prop_assert!(!redacted.contains(part), "{} in {}", part, redacted);
        }
        proptest::prop_assert!(!redacted.contains("host.example"));
        if joint.is_none() {
            let told = format!("{before}{}{after}", redactor.text(&address));
            let after_a_quote = before.contains('"') || local.starts_with('"');
            proptest::prop_assert!(redacted == told || after_a_quote, "{} of {}", redacted, text);
        }
    }

    /// In one pass over a text exactly those names are found that are found one by one.
    #[test]
    fn all_names_are_found_at_once(
        people in proptest::collection::vec("[abAB\u{e9}\u{130}]{1,3}( [abc_]{0,4}){0,2}", 0..12),
        text in "[abcABC_\u{e9}\u{130} .@:]{0,60}",
    ) {
        let redactor = Redactor::new(&people);
        proptest::prop_assert!(redactor.finder.is_some());
        let one_by_one = Redactor { finder: None, ..Redactor::new(&people) };
        let folded = text.to_lowercase();
        proptest::prop_assert_eq!(redactor.names_in(&folded), one_by_one.names_in(&folded));
        proptest::prop_assert_eq!(redactor.words(&text), one_by_one.words(&text));
    }
}
