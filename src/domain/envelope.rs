//! Reading a body: from bytes to an [`Event`], leniently, in one pass.
//!
//! A field that is missing or of an unexpected type is not given; a key that stands twice counts as its
//! last; only text that is no JSON at all gives an event with nothing in it. The bytes are kept elsewhere.

use std::borrow::Cow;

use super::event::{Event, EventKind};
use super::proctoring::{Signals, ViolationKind};
use super::time::Timestamp;
use crate::json::{Error, Reader};

type Result<T = ()> = std::result::Result<T, Error>;

/// Reads what a body says. Never fails: a body that says nothing known is an event without a kind.
#[must_use]
pub fn decode(body: &[u8]) -> Event {
    let Ok(text) = std::str::from_utf8(body) else { return Event::default() };
    let mut reader = Reader::new(text);
    let event = within(&mut reader);
    event.and_then(|event| reader.finish().map(|()| event)).unwrap_or_default()
}

/// Reads a body that is the next value of a larger text: what [`decode`] says of it alone.
///
/// # Errors
/// If the text is no JSON here.
pub(super) fn within(reader: &mut Reader<'_>) -> Result<Event> {
    let mut event = Event::default();
    root(reader, &mut event)?;
    event.is_json = true;
    Ok(event)
}

fn root(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    let (mut of, mut word) = (None, None);
    reader.object(|reader, key| {
        match key {
            "type" => of = reader.string()?,
            "event" => word = reader.string()?,
            "timestamp" => event.timestamp = millis(reader)?,
            "data" => data(reader, event)?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    if let (Some(of), Some(word)) = (of, word) {
        let name = format!("{of}.{word}");
        event.kind = EventKind::from_name(&name);
        event.name = Some(name);
    }
    Ok(())
}

fn data(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    reader.object(|reader, key| {
        match key {
            "assessmentId" => event.assessment_id = text(reader)?,
            "candidateId" => event.candidate_id = text(reader)?,
            "orgId" => event.org_id = text(reader)?,
            "assessment" => assessment(reader, event)?,
            "candidate" => candidate(reader, event)?,
            "links" => links(reader, event)?,
            "status" => status(reader, event)?,
            "scores" => drop(reader.object(|reader, key| {
                match key {
                    "avgScorePercentage" => event.score = reader.number()?,
                    _ => drop(reader.skip()?),
                }
                Ok(())
            })?),
            "signals" => drop(reader.object(|reader, key| {
                match key {
                    "antiCheating" => event.signals = signals(reader)?,
                    _ => drop(reader.skip()?),
                }
                Ok(())
            })?),
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(())
}

fn assessment(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    let (mut name, mut title) = (None, None);
    reader.object(|reader, key| {
        match key {
            "name" => name = text(reader)?,
            "title" => title = text(reader)?,
            "workspaceUrl" => event.workspace = text(reader)?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    event.assessment_name = name.or(title);
    Ok(())
}

fn candidate(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    let (mut first, mut last) = (None, None);
    reader.object(|reader, key| {
        match key {
            "firstName" => first = text(reader)?,
            "lastName" => last = text(reader)?,
            "email" => event.email = text(reader)?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    event.candidate_name = match (first, last) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (first, last) => first.or(last),
    };
    Ok(())
}

fn links(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    reader.object(|reader, key| {
        match key {
            "candidateDetailLink" => event.detail_link = text(reader)?,
            "resultLink" => event.result_link = text(reader)?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(())
}

fn status(reader: &mut Reader<'_>, event: &mut Event) -> Result {
    reader.object(|reader, key| {
        match key {
            "candidateStage" => event.stage = text(reader)?,
            "isArchived" => event.is_archived = reader.boolean()?,
            _ => drop(reader.skip()?),
        }
        Ok(())
    })?;
    Ok(())
}

fn signals(reader: &mut Reader<'_>) -> Result<Signals> {
    let mut signals = Signals::default();
    let (mut start_ip, mut end_ip, mut same_ip) = (None, None, None);
    reader.object(|reader, key| {
        if let Some(kind) = ViolationKind::of_counter(key) {
            signals.counts.raise(kind, count(reader)?);
        } else if let Some(kind) = ViolationKind::of_flag(key) {
            signals.counts.raise(kind, u32::from(reader.boolean()? == Some(true)));
        } else {
            match key {
                "timeSpentOutside" => signals.outside_secs = duration(reader)?,
                "timeSpendOutByMouse" => signals.mouse_out_secs = duration(reader)?,
                "startIPAddress" => start_ip = text(reader)?,
                "endIPAddress" => end_ip = text(reader)?,
                "isFilledFromSameIP" => same_ip = reader.boolean()?,
                _ => drop(reader.skip()?),
            }
        }
        Ok(())
    })?;
    let moved = matches!((&start_ip, &end_ip), (Some(start), Some(end)) if start != end);
    signals.counts.raise(ViolationKind::IpChange, u32::from(moved || same_ip == Some(false)));
    Ok(signals)
}

/// A word that says something: an empty or blank string is not given.
fn text(reader: &mut Reader<'_>) -> Result<Option<String>> {
    let given = reader.string()?.filter(|text| !text.trim().is_empty());
    Ok(given.map(Cow::into_owned))
}

fn millis(reader: &mut Reader<'_>) -> Result<Option<Timestamp>> {
    Ok(reader.number()?.and_then(|millis| Timestamp::from_millis(millis as i64)))
}

/// A count is whole and not negative; anything else is not given, hence no breach.
fn count(reader: &mut Reader<'_>) -> Result<u32> {
    let whole = reader
        .number()?
        .filter(|number| (0.0..=f64::from(u32::MAX)).contains(number) && number.fract() == 0.0);
    Ok(whole.map_or(0, |number| number as u32))
}

fn duration(reader: &mut Reader<'_>) -> Result<Option<f64>> {
    Ok(reader.number()?.filter(|secs| *secs >= 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::proctoring::Flag;

    const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");

    #[test]
    fn reads_the_vendors_candidate_sample() {
        let event = decode(SAMPLE.as_bytes());
        assert_eq!(event.kind, Some(EventKind::Completed));
        assert_eq!(event.candidacy(), Some(("6a019dfcd71395322307e373", "69145db6968cb883ddfc598b")));
        assert_eq!(event.candidate_name.as_deref(), Some("Bea Grant"));
        assert_eq!(event.email.as_deref(), Some("bea.grant@example.com"));
        assert_eq!(event.assessment_name.as_deref(), Some("Backend Engineer"));
        assert_eq!(event.stage.as_deref(), Some("ASSESSMENT_INCOMPLETE"));
        assert_eq!(event.score, Some(50.0));
        assert_eq!(event.timestamp.map(Timestamp::millis), Some(1_778_491_596_453));
        assert_eq!(event.signals.counts.flag(), Flag::Green);
    }

    #[test]
    fn reads_the_vendors_assessment_sample() {
        let event = decode(include_bytes!("../../assets/samples/assessment.created.json"));
        assert_eq!(event.kind, Some(EventKind::AssessmentArchived), "the vendor's sample says so");
        assert_eq!(event.assessment(), Some("692596c3a37e8cb0695fc04c"));
        assert_eq!((event.candidacy(), event.timestamp), (None, None));
    }

    #[test]
    fn a_time_out_of_range_is_not_given() {
        for millis in ["-1", "253402207201000", "253402250000000", "253402300799999", "1e400"] {
            let event = decode(SAMPLE.replace("1778491596453", millis).as_bytes());
            assert_eq!((event.timestamp, event.kind), (None, Some(EventKind::Completed)), "{millis}");
        }
    }

    fn tab_switches(spelt: &str) -> u32 {
        let body = SAMPLE.replace(r#""tabSwitchCount": 0"#, &format!(r#""tabSwitchCount": {spelt}"#));
        let event = decode(body.as_bytes());
        assert_eq!(event.kind, Some(EventKind::Completed), "{spelt} must not lose the event");
        event.signals.counts.of(ViolationKind::TabSwitch)
    }

    #[test]
    fn a_count_of_a_strange_type_is_not_given() {
        assert_eq!((tab_switches("7"), tab_switches(r#""3""#), tab_switches("2.0")), (7, 3, 2));
        for strange in ["null", "-1", "1e400", "2.5", r#""many""#, "[4]", r#"{"a":4}"#, "true", "99999999999"]
        {
            assert_eq!(tab_switches(strange), 0, "{strange}");
        }
    }

    #[test]
    fn webcam_flags_count_in_both_spellings() {
        for field in ["webCamViolationDetetcted", "webCamViolationDetected"] {
            let given = format!(r#""{field}": true"#);
            let body = SAMPLE.replace(r#""webCamViolationDetetcted": false"#, &given);
            assert_eq!(decode(body.as_bytes()).signals.counts.of(ViolationKind::Webcam), 1);
        }
    }

    #[test]
    fn an_address_that_changed_is_a_violation() {
        let of = |from: &str, to: &str| {
            decode(SAMPLE.replace(from, to).as_bytes()).signals.counts.of(ViolationKind::IpChange)
        };
        assert_eq!(of("", ""), 0);
        assert_eq!(of(r#""isFilledFromSameIP": true"#, r#""isFilledFromSameIP": false"#), 1);
        assert_eq!(of(r#""endIPAddress": null"#, r#""endIPAddress": "203.0.113.210""#), 1);
        assert_eq!(of(r#""endIPAddress": null"#, r#""endIPAddress": "203.0.113.209""#), 0);
    }

    #[test]
    fn what_says_nothing_known_is_unrecognised() {
        for (body, is_json) in [("[]", true), ("{}", true), ("", false), (r#"{"type":"candidate""#, false)] {
            let event = decode(body.as_bytes());
            assert_eq!((event.kind, event.is_json), (None, is_json), "{body}");
        }
        let unknown = decode(br#"{"type":"candidate","event":"teleported","data":{"candidateId":"c"}}"#);
        assert_eq!((unknown.kind, unknown.name.as_deref()), (None, Some("candidate.teleported")));
        assert!(!decode(&[0xff, 0xfe]).is_json);
        assert!(!decode("[".repeat(10_000).as_bytes()).is_json);
    }
}
