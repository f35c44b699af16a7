//! Pages of every list under every kind of filter and in every order, at 1,000,000 events.

use invigil::domain::filter;
use invigil::domain::query::{Anchor, Page, Query, Row, Sort};
use invigil::store::StoreError;
use invigil::store::reader::Reader;

use super::figures::{Figures, setting, times};
use super::session;

const FILTERS: [&str; 28] = [
    "",
    "type:candidate.completed",
    "event:disqualified",
    "event:completed OR is:unrecognised",
    "status:in_progress",
    "status:invited",
    "flag:red",
    "flag:red status:completed",
    "violation:webcam>=4",
    "violation:webcam<1",
    "score<20",
    "score>=99",
    "assessment:warehouse",
    "assessment:warehouse score<30",
    "candidate:zofia",
    "zofia@",
    "zofia flag:red",
    "-zofia",
    "is:unrecognised",
    "is:duplicate",
    "-is:duplicate",
    "is:marked",
    "is:unforwarded",
    "since:10m",
    "until:2020-01-01T00:00Z",
    "nothing-has-this-word",
    "(flag:red OR score>95) -status:rejected",
    "-(flag:green OR status:completed) event:invited",
];
const SORTS: [Sort; 6] = [Sort::Latest, Sort::Oldest, Sort::Name, Sort::Status, Sort::Score, Sort::Worst];
const SORTED: [&str; 4] = ["", "flag:red", "zofia", "score<20 -status:rejected"];
const LISTS: [&str; 4] = ["events", "candidates", "violations", "assessments"];
const ROWS: u32 = 60;
const TIMES: usize = 11;
const FEW: usize = 5;

/// The slowest question so far.
#[derive(Default)]
struct Slowest(f64, String);

impl Slowest {
    fn row(&mut self, what: &str, lists: impl IntoIterator<Item = (usize, Figures)>) {
        print!("{what:<48}");
        for (list, took) in lists {
            print!(" {:>20}", took.tail(1));
            if took.median() > self.0 {
                *self = Self(took.median(), format!("{what}, {}", LISTS[list]));
            }
        }
        println!();
    }

    fn tell(self) {
        println!("the slowest: {:.1} ms, {}\n", self.0, self.1);
    }
}

/// Asks each list; what counts is how long until its rows can be shown.
pub fn run() {
    let events = setting("SESSION", session::MILLION);
    let reader = Reader::open(&session::of(events)).expect("a reader");
    println!("{events} events; pages of {ROWS} rows, median / p99 / most, milliseconds");
    let one = std::env::var("FILTER").ok();
    let filters: Vec<&str> = one.as_deref().map_or(FILTERS.to_vec(), |one| vec![one]);
    let head = |what: &str, lists: &[&str]| {
        print!("{what:<48}");
        for list in lists {
            print!(" {list:>20}");
        }
        println!();
    };
    head("first page under a filter", &LISTS);
    let mut slowest = Slowest::default();
    for &text in &filters {
        let named = if text.is_empty() { "(none)" } else { text };
        slowest
            .row(named, (0..4).map(|list| (list, first(&reader, list, &query(text, Sort::Latest), TIMES))));
    }
    slowest.tell();
    head("second page, and the last one", &LISTS);
    let mut slowest = Slowest::default();
    for &text in &filters {
        let query = query(text, Sort::Latest);
        let named = if text.is_empty() { "(none)" } else { text };
        slowest.row(&format!("2nd: {named}"), (0..4).map(|list| (list, second(&reader, list, &query))));
        slowest.row(&format!("last: {named}"), (0..4).map(|list| (list, last(&reader, list, &query))));
    }
    slowest.tell();
    head("in every order", &[LISTS[1], LISTS[3]]);
    let mut slowest = Slowest::default();
    for sort in SORTS {
        for &text in one.as_ref().map_or(SORTED.as_slice(), |_| &filters) {
            let query = query(text, sort);
            let mut ask = |which: &str, ask: &dyn Fn(usize) -> Figures| {
                slowest.row(&format!("{which} by {sort:?}: {text}"), [1, 3].map(|list| (list, ask(list))));
            };
            ask("1st", &|list| first(&reader, list, &query, FEW));
            ask("2nd", &|list| second(&reader, list, &query));
            ask("last", &|list| last(&reader, list, &query));
        }
    }
    slowest.tell();
}

fn query(text: &str, sort: Sort) -> Query {
    let filter = filter::parse(text).expect("a filter");
    Query { filters: vec![filter], now: invigil::clock::now(), sort, ..Query::default() }
}

fn first(reader: &Reader, list: usize, query: &Query, count: usize) -> Figures {
    match list {
        0 => times(count, || shown(reader.events(query, &Anchor::Glimpse, 0, ROWS, &[]))),
        1 => times(count, || shown(reader.candidates(query, &Anchor::Glimpse, 0, ROWS))),
        2 => times(count, || shown(reader.rises(query, &Anchor::Glimpse, 0, ROWS))),
        _ => times(count, || shown(reader.assessments(query, &Anchor::Glimpse, 0, ROWS))),
    }
}

/// From the end of the first page on, which the screen asks for when that stands and is counted.
fn second(reader: &Reader, list: usize, query: &Query) -> Figures {
    fn after<R: Row>(ask: impl Fn(&Anchor<R::Key>) -> Result<Page<R>, StoreError>) -> Figures {
        let first = ask(&Anchor::First).expect("a page");
        let Some(row) = first.rows.last() else { return Figures::default() };
        let anchor = Anchor::At(row.key());
        times(FEW, || shown(ask(&anchor)))
    }
    match list {
        0 => after(|anchor| reader.events(query, anchor, ROWS, ROWS, &[])),
        1 => after(|anchor| reader.candidates(query, anchor, ROWS, ROWS)),
        2 => after(|anchor| reader.rises(query, anchor, ROWS, ROWS)),
        _ => after(|anchor| reader.assessments(query, anchor, ROWS, ROWS)),
    }
}

/// Up to the last row, once the first page stands and is counted.
fn last(reader: &Reader, list: usize, query: &Query) -> Figures {
    fn end<R: Row>(ask: impl Fn(&Anchor<R::Key>) -> Result<Page<R>, StoreError>) -> Figures {
        ask(&Anchor::First).expect("a page");
        times(FEW, || shown(ask(&Anchor::Last)))
    }
    match list {
        0 => end(|anchor| reader.events(query, anchor, ROWS, 0, &[])),
        1 => end(|anchor| reader.candidates(query, anchor, ROWS, 0)),
        2 => end(|anchor| reader.rises(query, anchor, ROWS, 0)),
        _ => end(|anchor| reader.assessments(query, anchor, ROWS, 0)),
    }
}

fn shown<R>(page: Result<Page<R>, StoreError>) -> usize {
    page.expect("a page").rows.len()
}
