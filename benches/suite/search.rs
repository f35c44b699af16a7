//! Search: a rare string in all bodies, beside ripgrep over the export of the same session.

use std::path::Path;
use std::process::{Command, Stdio};

use invigil::domain::query::{Hunt, Query, Sort};
use invigil::store::export::{Choice, Format};
use invigil::store::reader::Reader;
use invigil::store::save::save;

use super::figures::{Figures, setting, times};
use super::session::{self, RARE};

const ROUNDS: usize = 5;

/// A string that no body holds, so that all of them are read; and one that a single body holds.
pub fn run() {
    let events = setting("SESSION", session::MILLION);
    let file = session::of(events);
    let reader = Reader::open(&file).expect("a reader");
    let hunt = |text: &str| Hunt {
        query: Query { sort: Sort::Latest, ..Query::default() },
        text: text.to_owned(),
        from: None,
        down: true,
    };
    let search = |text: &str| times(ROUNDS, || reader.hunt(&hunt(text), &|_| true).expect("an answer"));
    let (absent, rare) = (search("no-body-has-this-needle"), search(RARE));
    println!(
        "all bodies of {events} events: {} ms; until the one that has it: {} ms",
        absent.range(0),
        rare.range(0)
    );
    let lines = file.with_extension("ndjson");
    if !lines.exists() {
        let choice = Choice { now: invigil::clock::now(), ..Choice::default() };
        save(&reader, &lines, Format::Ndjson, &choice, true).expect("an export");
    }
    match ripgrep(&lines, 2) {
        None => println!("ripgrep (rg) is not installed: nothing to compare with"),
        Some(both) => {
            let one = ripgrep(&lines, 1).expect("it was there a moment ago");
            println!("rg -c, two threads: {} ms; one thread: {} ms", both.range(0), one.range(0));
            println!(
                "invigil / rg: {:.1} (two threads), {:.1} (one)",
                absent.median() / both.median(),
                absent.median() / one.median()
            );
        }
    }
    let words = times(ROUNDS, || {
        let filter = invigil::domain::filter::parse("no-name-nor-address").expect("a filter");
        let query = Query { filters: vec![filter], now: invigil::clock::now(), ..Query::default() };
        let first = invigil::domain::query::Anchor::Glimpse;
        reader.events(&query, &first, 0, 60, &[]).expect("a page").rows.len()
    });
    println!("over names, addresses, ids and titles: {} ms", words.range(1));
}

fn ripgrep(file: &Path, threads: usize) -> Option<Figures> {
    let count = || {
        Command::new("rg")
            .args(["-c", "-i", "-j"])
            .arg(threads.to_string())
            .arg("no-body-has-this-needle")
            .arg(file)
            .stdout(Stdio::null())
            .status()
            .ok()
    };
    count()?;
    Some(times(ROUNDS, count))
}
