//! First pages under every kind of filter, and both ends of each order, at 1,000,000 events.

use invigil::domain::filter;
use invigil::domain::query::{Anchor, Query, Sort};
use invigil::store::reader::Reader;

use super::figures::{Figures, setting, times};
use super::session;

const FILTERS: [&str; 16] = [
    "",
    "type:candidate.completed",
    "event:disqualified",
    "status:in_progress",
    "flag:red",
    "violation:webcam>=4",
    "score<20",
    "assessment:warehouse",
    "candidate:zofia",
    "zofia@",
    "is:unrecognised",
    "is:duplicate",
    "since:10m",
    "until:2020-01-01T00:00Z",
    "nothing-has-this-word",
    "(flag:red OR score>95) -status:rejected",
];
const ROWS: u32 = 60;
const TIMES: usize = 15;

/// Asks each list; what counts is how long until its first rows can be shown.
pub fn run() {
    let events = setting("SESSION", session::MILLION);
    let reader = Reader::open(&session::of(events)).expect("a reader");
    println!("{events} events; first page of {ROWS} rows, median / p99 / most of {TIMES}, milliseconds");
    let lists = ["events", "candidates", "violations", "assessments"];
    println!("{:<40} {:>20} {:>20} {:>20} {:>20}", "filter", lists[0], lists[1], lists[2], lists[3]);
    let mut slowest: (f64, &str) = (0.0, "");
    for text in FILTERS {
        let filter = filter::parse(text).expect("a filter");
        let query = Query { filters: vec![filter], now: invigil::clock::now(), ..Query::default() };
        let first = pages(&reader, &query);
        let named = if text.is_empty() { "(none)" } else { text };
        print!("{named:<40}");
        for took in first {
            print!(" {:>20}", took.tail(1));
            if took.median() > slowest.0 {
                slowest = (took.median(), named);
            }
        }
        println!();
    }
    println!("the slowest: {:.1} ms, {}", slowest.0, slowest.1);
    for sort in [Sort::Latest, Sort::Oldest, Sort::Name, Sort::Status, Sort::Score, Sort::Worst] {
        let query = Query { sort, ..Query::default() };
        let events =
            times(TIMES, || reader.events(&query, &Anchor::Last, ROWS, 0, &[]).expect("a page").rows.len());
        let candidates =
            times(TIMES, || reader.candidates(&query, &Anchor::Last, ROWS, 0).expect("a page").rows.len());
        println!("{:<40} {:>20} {:>20}", format!("last page, {sort:?}"), events.tail(1), candidates.tail(1));
    }
}

fn pages(reader: &Reader, query: &Query) -> [Figures; 4] {
    [
        times(TIMES, || reader.events(query, &Anchor::Glimpse, 0, ROWS, &[]).expect("a page").rows.len()),
        times(TIMES, || reader.candidates(query, &Anchor::Glimpse, 0, ROWS).expect("a page").rows.len()),
        times(TIMES, || reader.rises(query, &Anchor::Glimpse, 0, ROWS).expect("a page").rows.len()),
        times(TIMES, || reader.assessments(query, &Anchor::Glimpse, 0, ROWS).expect("a page").rows.len()),
    ]
}
