//! A real session on disk: deliveries go in through the journal, and come out as the saved JSON.

#![expect(clippy::unwrap_used, reason = "what cannot be kept or read is to fail the test")]

use std::path::Path;

use bytes::Bytes;
use invigil::domain::delivery::{Delivery, Headers, Receipt, Source};
use invigil::domain::envelope;
use invigil::domain::filter::Filter;
use invigil::domain::query::{Anchor, Query, RiseRow, Sort};
use invigil::domain::time::Timestamp;
use invigil::pulse::Pulse;
use invigil::store::Unavailable;
use invigil::store::export::{self, Choice, Format};
use invigil::store::journal::Journal;
use invigil::store::reader::Reader;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Midnight before everything that is delivered.
pub(crate) fn midnight() -> Timestamp {
    Timestamp::parse("2026-11-23T00:00:00Z").unwrap()
}

/// A session being written.
pub(crate) struct Keeper {
    runtime: Runtime,
    journal: Option<Journal>,
    reader: Reader,
    /// Goes with the keeper, if the session is nobody else's.
    directory: Option<TempDir>,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("session.db");
        let mut keeper = Self::at(&path);
        keeper.directory = Some(directory);
        keeper
    }

    /// A session of this name, which stays when the keeper goes.
    pub(crate) fn at(path: &Path) -> Self {
        let journal = Journal::open(path, midnight(), Pulse::default()).unwrap();
        let reader = Reader::of(&journal).unwrap();
        let runtime = Builder::new_current_thread().build().unwrap();
        Self { runtime, journal: Some(journal), reader, directory: None }
    }

    /// Keeps one delivery that a source would have accepted.
    pub(crate) fn take(&self, id: &str, sent_at: Timestamp, source: Source, body: &[u8]) -> Receipt {
        self.offer(id, sent_at, source, body).unwrap()
    }

    /// Offers a delivery that the session may not be able to keep.
    fn offer(
        &self,
        id: &str,
        sent_at: Timestamp,
        source: Source,
        body: &[u8],
    ) -> Result<Receipt, Unavailable> {
        let verified = source != Source::File;
        let mut headers = vec![("svix-id".to_owned(), id.to_owned())];
        headers.extend(verified.then(|| ("svix-signature".to_owned(), "v1,signed".to_owned())));
        let delivery = Delivery {
            id: id.to_owned(),
            sent_at,
            received_at: sent_at.plus_millis(250),
            source,
            verified,
            headers: Headers(headers),
            body: Bytes::copy_from_slice(body),
            event: envelope::decode(body),
        };
        self.runtime.block_on(self.journal.as_ref().unwrap().append(delivery))
    }

    /// Reads the session.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The saved JSON, as text.
    pub(crate) fn saved(&self, filter: Option<Filter>, redact: bool) -> String {
        let mut out = Vec::new();
        let choice = Choice { filter, redact, now: midnight().plus_millis(86_400_000) };
        export::write(&self.reader, &mut out, Format::Json, &choice).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The saved JSON of everything.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.saved(None, false)).unwrap()
    }

    /// Every rise, the first one first.
    pub(crate) fn rises(&self) -> Vec<RiseRow> {
        let query = Query { sort: Sort::Oldest, ..Query::default() };
        self.reader.rises(&query, &Anchor::First, 0, 1000).unwrap().rows
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(journal) = self.journal.take() {
            self.runtime.block_on(journal.close());
        }
    }
}

/// A group that fails is as if it had never been: it leaves no gap and is counted nowhere, also when the file
/// cannot even be read at that moment.
#[test]
fn what_could_not_be_kept_leaves_no_trace() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("session.db");
    let keeper = Keeper::at(&path);
    let meddler = rusqlite::Connection::open(&path).unwrap();
    let body = |n: u32| {
        format!(
            r#"{{"type":"candidate","event":"invited","data":{{"assessmentId":"a","candidateId":"c{n}"}}}}"#
        )
    };
    let offer = |n: u32| keeper.offer(&format!("msg_{n}"), midnight(), Source::Http, body(n).as_bytes());
    assert_eq!(offer(1).unwrap(), Receipt::Fresh(1));
    meddler.execute_batch("ALTER TABLE sums RENAME TO away").unwrap();
    offer(2).unwrap_err();
    offer(3).unwrap_err();
    meddler.execute_batch("ALTER TABLE away RENAME TO sums").unwrap();
    assert_eq!(offer(2).unwrap(), Receipt::Fresh(2));
    let document = keeper.document();
    assert_eq!(document["totals"]["events"], 2);
    assert_eq!(document["assessments"][0]["candidates"], 2);
}
