//! What holds for every session: any order and repetition gives the same state, SQL chooses what the filter
//! means, and pages show each row once.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails is to say where")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use invigil::domain::delivery::Source;
use invigil::domain::filter::{self, Filter, Standing, Subject};
use invigil::domain::query::{Anchor, EventKey, EventLine, EventRow, Hunt, Page, Query, Row, Scope, Sort};
use invigil::domain::time::Timestamp;
use invigil::store::reader::Reader;
use proptest::prelude::*;

use super::keeping::{Keeper, midnight};

/// One event as the sender would tell it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) sent_at: Timestamp,
    pub(crate) body: String,
}

fn told() -> impl Strategy<Value = Told> {
    let kinds =
        ["invited", "enrolled", "in_progress", "completed", "disqualified", "score_updated", "teleported"];
    let assessment = ["created", "archived", "deleted"];
    let body = prop_oneof![
        8 => (proptest::sample::select(kinds.to_vec()), 0..2, 0..3, proptest::option::of(0..6i64), proptest::option::of(0..100), 0..4, 0..3)
            .prop_map(|(kind, a, c, at, score, tabs, pastes)| {
                let time = at.map_or(String::new(), |at| format!(",\"timestamp\":{}", 1_763_900_000_000_i64 + at * 1000));
                let score = score.map_or("null".into(), |score: i32| score.to_string());
                format!(
                    "{{\"type\":\"candidate\",\"event\":\"{kind}\"{time},\"data\":{{\"assessmentId\":\"a{a}\",\"candidateId\":\"c{c}\",\
                     \"assessment\":{{\"name\":\"Ähm {a}\"}},\"candidate\":{{\"firstName\":\"Ünal\",\"lastName\":\"N{c}\",\"email\":\"n{c}@example.com\"}},\
                     \"scores\":{{\"avgScorePercentage\":{score}}},\
                     \"signals\":{{\"antiCheating\":{{\"tabSwitchCount\":{tabs},\"copyPasteViolationCount\":{pastes}}}}}}}}}"
                )
            }),
        1 => (proptest::sample::select(assessment.to_vec()), 0..2)
            .prop_map(|(kind, a)| format!("{{\"type\":\"assessment\",\"event\":\"{kind}\",\"data\":{{\"assessmentId\":\"a{a}\"}}}}")),
        1 => Just("no json".to_owned()),
    ];
    (body, 0..50i64).prop_map(|(body, at)| Told {
        id: String::new(),
        sent_at: midnight().plus_millis(at * 1000),
        body,
    })
}

/// A history: events with ids, some of them delivered again, later or earlier.
pub(crate) fn history() -> impl Strategy<Value = Vec<Told>> {
    (
        proptest::collection::vec(told(), 1..14),
        proptest::collection::vec((any::<prop::sample::Index>(), 0..60i64), 0..6),
    )
        .prop_map(|(mut events, again)| {
            for (n, told) in events.iter_mut().enumerate() {
                told.id = format!("msg_{n}");
            }
            let repeats: Vec<_> = again
                .into_iter()
                .map(|(which, at)| Told {
                    sent_at: midnight().plus_millis(at * 1000),
                    ..which.get(&events).clone()
                })
                .collect();
            events.extend(repeats);
            events
        })
}

fn keep(events: &[Told]) -> Keeper {
    let keeper = Keeper::new();
    take(&keeper, events);
    keeper
}

fn take(keeper: &Keeper, events: &[Told]) {
    for told in events {
        keeper.take(&told.id, told.sent_at, Source::Http, told.body.as_bytes());
    }
}

/// Keeps a history in a file, and closes it.
pub(crate) fn keep_at(path: &Path, events: &[Told]) {
    take(&Keeper::at(path), events);
}

fn state(keeper: &Keeper) -> serde_json::Value {
    let mut document = keeper.document();
    document.as_object_mut().unwrap().retain(|key, _| key != "session" && key != "events");
    document
}

fn lines(page: Page<EventRow>) -> Vec<EventLine> {
    page.rows
        .into_iter()
        .map(|row| match row {
            EventRow::Event(line) => *line,
            EventRow::Refusal(..) => panic!("nothing was refused"),
        })
        .collect()
}

const FILTERS: [&str; 47] = [
    "msg_1 flag:red",
    "completed -flag:red",
    "a1 -status:invited",
    "candidate:C1 OR assessment:Ä",
    "-(flag:green OR status:completed) event:invited",
    "n1 flag:red",
    "-n1 OR -flag:red",
    "violation:tab_switch=2",
    "violation:tab_switch<=1 is:duplicate",
    "violation:copy_paste=0 OR is:conflict",
    "assessment:ähm -status:invited",
    "-assessment:a1",
    "-(assessment:a1 flag:red)",
    "is:conflict OR is:unverified",
    "is:forwarded OR is:unforwarded OR score>=90",
    "source:relay OR score<20",
    "-is:duplicate -status:invited",
    "is:duplicate flag:yellow",
    "is:refused OR score=50",
    "-(-score<20)",
    "msg_1",
    "violation:tab_switch<2 -violation:copy_paste>0",
    "-ünal -msg_2",
    "ünal",
    "MSG_1",
    "candidate.completed",
    "type:candidate.invited",
    "event:completed OR event:archived",
    "assessment:ähm",
    "assessment:A1",
    "candidate:n2@",
    "candidate:c0",
    "status:completed",
    "-status:completed",
    "flag:red",
    "flag:green -event:invited",
    "violation:tab_switch>=2",
    "-violation:copy_paste",
    "score<50",
    "-(score>=50)",
    "is:unrecognised",
    "is:duplicate OR is:marked",
    "source:http",
    "-source:relay flag:red",
    "since:2025-11-23T12:13:22Z",
    "until:2025-11-23T12:13:22Z -assessment:a0",
    "(flag:red OR flag:yellow) (n1 OR score>20)",
];

const SCOPES: [&[&str]; 3] = [&[], &["a1"], &["a0", "c1"]];
const SORTS: [Sort; 6] = [Sort::Latest, Sort::Oldest, Sort::Name, Sort::Status, Sort::Score, Sort::Worst];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_order_and_repetition_says_the_same(events in history(), seed in any::<u64>()) {
        let mut shuffled = events.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(state(&keep(&events)), state(&keep(&shuffled)));
    }

    /// An event is verified once any delivery of its bytes was, and has the headers of one that was.
    #[test]
    fn a_signature_counts_whenever_it_comes(
        deliveries in proptest::collection::vec((0..4u8, any::<bool>(), 0..8u8), 1..12),
    ) {
        let keeper = Keeper::new();
        let id = |event: u8| format!("msg_{event}");
        let (mut told, mut kept) = (BTreeMap::new(), BTreeMap::new());
        for (event, signed, other) in &deliveries {
            // Now and then another body under the same id, which proves nothing about the one that is kept.
            let body = format!("{{\"n\":{event},\"other\":{}}}", *other == 0);
            let source = if *signed { Source::Http } else { Source::File };
            keeper.take(&id(*event), midnight(), source, body.as_bytes());
            let first: &String = kept.entry(*event).or_insert_with(|| body.clone());
            *told.entry(*event).or_insert(false) |= *signed && *first == body;
        }
        for (event, verified) in told {
            let reader = keeper.reader();
            let detail = reader.detail(reader.seq_of(&id(event)).unwrap().unwrap()).unwrap().unwrap();
            prop_assert_eq!(detail.line.verified, verified, "{:?} of {:?}", event, &deliveries);
            prop_assert_eq!(detail.headers.get("svix-signature").is_some(), verified);
            prop_assert_eq!(detail.body, kept.remove(&event).unwrap().into_bytes());
        }
    }

    #[test]
    fn sql_chooses_what_the_filter_means(events in history()) {
        let keeper = keep(&events);
        let all = lines(keeper.reader().events(&Query::default(), &Anchor::First, 0, 100, &[]).unwrap());
        for text in FILTERS {
            let filter = filter::parse(text).unwrap();
            let query = Query { filters: vec![filter.clone()], ..Query::default() };
            let page = keeper.reader().events(&query, &Anchor::First, 0, 100, &[]).unwrap();
            prop_assert_eq!(page.total, page.rows.len() as u64, "{}", text);
            let chosen: Vec<_> = lines(page).into_iter().map(|line| line.seq).collect();
            let meant = all.iter().filter(|line| matches(&keeper, &filter, line)).map(|line| line.seq);
            prop_assert_eq!(&chosen, &meant.collect::<Vec<_>>(), "{}", text);
            let people = keeper.reader().candidates(&query, &Anchor::First, 0, 100).unwrap();
            let listed: BTreeSet<_> = people.rows.iter().map(Row::key).collect();
            let belong = all.iter().filter(|line| chosen.contains(&line.seq));
            let belong = belong.filter_map(|line| line.assessment_id.clone().zip(line.candidate_id.clone()));
            prop_assert_eq!(listed, belong.collect::<BTreeSet<_>>(), "{}", text);
            let listed = keeper.reader().assessments(&query, &Anchor::First, 0, 100).unwrap();
            let listed: BTreeSet<_> = listed.rows.iter().map(Row::key).collect();
            let belong = all.iter().filter(|line| chosen.contains(&line.seq));
            let belong: BTreeSet<_> = belong.filter_map(|line| line.assessment_id.clone()).collect();
            prop_assert_eq!(listed, belong, "{}", text);
            // A page that is not the whole list is counted in another way than it is read.
            let reader = keeper.reader();
            let rises = reader.rises(&query, &Anchor::First, 0, 100).unwrap().rows.len();
            let assessments = reader.assessments(&query, &Anchor::First, 0, 100).unwrap().rows.len();
            let rows = [chosen.len(), people.rows.len(), rises, assessments].map(|rows| rows as u64);
            let counted = [
                reader.events(&query, &Anchor::First, 0, 1, &[]).unwrap().total,
                reader.candidates(&query, &Anchor::First, 0, 1).unwrap().total,
                reader.rises(&query, &Anchor::First, 0, 1).unwrap().total,
                reader.assessments(&query, &Anchor::First, 0, 1).unwrap().total,
            ];
            prop_assert_eq!(rows, counted, "{}", text);
        }
    }

    #[test]
    fn a_list_is_the_same_walked_and_gathered(
        events in history(),
        sort in proptest::sample::select(SORTS.to_vec()),
        scope in proptest::sample::select(SCOPES.to_vec()),
        step in 1u32..4,
    ) {
        let scope = match scope {
            [] => Scope::Session,
            [assessment] => Scope::Assessment((*assessment).to_owned()),
            [assessment, candidate, ..] => Scope::Candidacy((*assessment).to_owned(), (*candidate).to_owned()),
        };
        let keeper = keep(&events);
        let reader = keeper.reader();
        for text in FILTERS {
            let filters = vec![filter::parse(text).unwrap()];
            let query = Query { scope: scope.clone(), sort, filters, ..Query::default() };
            both(reader, text, step, |at, before, after| reader.events(&query, at, before, after, &[]).unwrap())?;
            both(reader, text, step, |at, before, after| reader.candidates(&query, at, before, after).unwrap())?;
            both(reader, text, step, |at, before, after| reader.rises(&query, at, before, after).unwrap())?;
            both(reader, text, step, |at, before, after| reader.assessments(&query, at, before, after).unwrap())?;
        }
    }

    #[test]
    fn pages_show_each_row_once_in_every_order(
        events in history(), text in proptest::sample::select(vec!["", "n1 OR score>30", "-flag:red"]), step in 1u32..5,
    ) {
        let keeper = Keeper::new();
        // What was counted once counts no longer when more has come.
        let (some, more) = events.split_at(events.len() / 2);
        for (events, patience) in [(some, Duration::MAX), (more, Duration::ZERO)] {
            take(&keeper, events);
            let reader = keeper.reader();
            reader.walk_for(patience);
            for sort in SORTS {
                let query = Query { sort, filters: vec![filter::parse(text).unwrap()], ..Query::default() };
                walk(step, |anchor, before, after| reader.candidates(&query, anchor, before, after).unwrap())?;
                walk(step, |anchor, before, after| reader.assessments(&query, anchor, before, after).unwrap())?;
                walk(step, |anchor, before, after| reader.rises(&query, anchor, before, after).unwrap())?;
                walk(step, |anchor, before, after| reader.events(&query, anchor, before, after, &[]).unwrap())?;
            }
        }
    }

    #[test]
    fn a_timeline_is_in_the_senders_time_however_its_events_came(events in history(), step in 1u32..5) {
        let keeper = keep(&events);
        let reader = keeper.reader();
        for candidate in reader.candidates(&Query::default(), &Anchor::First, 0, 100).unwrap().rows {
            let scope = Scope::Candidacy(candidate.assessment_id, candidate.candidate_id);
            for sort in [Sort::Oldest, Sort::Latest] {
                let query = Query { scope: scope.clone(), sort, ..Query::default() };
                walk(step, |anchor, before, after| reader.events(&query, anchor, before, after, &[]).unwrap())?;
                let told = lines(reader.events(&query, &Anchor::First, 0, 100, &[]).unwrap());
                let told: Vec<_> = told.into_iter().map(|line| (line.occurred_at, line.id)).collect();
                let mut in_time = told.clone();
                in_time.sort();
                if sort == Sort::Latest {
                    in_time.reverse();
                }
                prop_assert_eq!(told, in_time);
            }
        }
    }
}

/// Holds the whole list and its last rows, read row by row, against the same with what is chosen found first.
fn both<R: Row>(
    reader: &Reader,
    text: &str,
    step: u32,
    page: impl Fn(&Anchor<R::Key>, u32, u32) -> Page<R>,
) -> Result<(), TestCaseError> {
    let ends = |patience| {
        reader.walk_for(patience);
        let keys = |page: Page<R>| page.rows.iter().map(Row::key).collect::<Vec<_>>();
        (keys(page(&Anchor::First, 0, 100)), keys(page(&Anchor::Last, step, 0)))
    };
    let (walked, gathered) = (ends(Duration::MAX), ends(Duration::ZERO));
    prop_assert_eq!(&walked, &gathered, "{}", text);
    let (all, last) = walked;
    prop_assert!(all.ends_with(&last) && last.len() == all.len().min(step as usize), "{}", text);
    Ok(())
}

fn matches(keeper: &Keeper, filter: &Filter, line: &EventLine) -> bool {
    let ids = line.assessment_id.as_deref().zip(line.candidate_id.as_deref());
    let row = ids.and_then(|(a, c)| keeper.reader().candidacy(a, c).unwrap());
    let standing = row.map(|row| Standing { status: row.status, score: row.score, counts: row.counts });
    filter.matches(&Subject { line, standing }, Timestamp::default())
}

/// Walks a list down and up by pages and compares with all of it at once.
fn walk<R: Row>(step: u32, page: impl Fn(&Anchor<R::Key>, u32, u32) -> Page<R>) -> Result<(), TestCaseError> {
    let keys = |page: &Page<R>| page.rows.iter().map(Row::key).collect::<Vec<_>>();
    let whole = page(&Anchor::First, 0, 1000);
    let all = keys(&whole);
    prop_assert_eq!(whole.total, all.len() as u64);
    prop_assert_eq!(&keys(&page(&Anchor::Last, 1000, 0)), &all);
    for (n, key) in all.iter().enumerate() {
        let around = page(&Anchor::At(key.clone()), step, step);
        let first = n.saturating_sub(step as usize);
        let wanted: Vec<_> = all.iter().skip(first).take(n - first + step as usize).cloned().collect();
        prop_assert_eq!(keys(&around), wanted);
        prop_assert_eq!((around.before, around.total), (first as u64, all.len() as u64));
    }
    Ok(())
}

/// Bodies are searched in the order of the list, round and back to the row it began at, across many threads.
#[test]
fn bodies_are_searched_in_the_order_of_the_list() {
    let keeper = Keeper::new();
    let holds = |n: i64| n % 701 == 5;
    for n in 1..=1500 {
        let word = if holds(n) { "NeEdle \\u00fc" } else { "hay" };
        let body = format!(
            r#"{{"type":"candidate","event":"invited","data":{{"assessmentId":"a","candidateId":"c{}","note":"{word}"}}}}"#,
            n % 2
        );
        keeper.take(&format!("msg_{n}"), midnight().plus_millis(n), Source::Http, body.as_bytes());
    }
    let found = |filter: &str, sort, down, from: Option<i64>| {
        let filters = filter::parse(filter).ok().filter(|filter| !filter.is_empty()).into_iter().collect();
        let query = Query { sort, filters, ..Query::default() };
        let from = from.map(|seq| EventKey { seq, refusal: 0 });
        let hunt = Hunt { query, text: "needle".into(), from, down };
        keeper.reader().hunt(&hunt, &|_| true).unwrap().map(|key| key.seq)
    };
    assert_eq!(found("", Sort::Oldest, true, None), Some(5));
    assert_eq!(found("", Sort::Latest, true, None), Some(1407));
    assert_eq!(found("", Sort::Latest, true, Some(1407)), Some(706));
    assert_eq!(found("", Sort::Latest, false, Some(1407)), Some(5), "round and back");
    assert_eq!(found("", Sort::Oldest, true, Some(706)), Some(1407));
    assert_eq!(found("candidate:c1", Sort::Latest, true, Some(1407)), Some(5), "706 is c0's");
    assert_eq!(found("candidate:c2", Sort::Latest, true, None), None);
    let scope = Scope::Candidacy("a".into(), "c0".into());
    let query = Query { scope, sort: Sort::Oldest, ..Query::default() };
    let hunt = Hunt { query, text: "NEEDLE \\u00fc".into(), from: None, down: true };
    assert_eq!(keeper.reader().hunt(&hunt, &|_| true).unwrap().map(|key| key.seq), Some(706));
    assert_eq!(keeper.reader().hunt(&hunt, &|_| false).unwrap(), None, "told to stop");
}
