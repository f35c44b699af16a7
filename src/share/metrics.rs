//! The figures for Prometheus, as its text format has them. No label and no name comes from a payload.

use std::fmt::{Display, Write};

use crate::domain::forward::Forwarding;
use crate::domain::refusal::Code;
use crate::domain::vitals::{Port, Relay, Vitals, Writes};
use crate::pulse::Pulse;
use crate::store::journal::Journal;

/// The version of the text format.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything as it is now.
pub(super) fn write(pulse: &Pulse, journal: &Journal, viewers: usize) -> String {
    let mut page = Page::default();
    page.head("build_info", "gauge", "The version that runs");
    page.line("build_info", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1);
    let vitals = pulse.snapshot();
    deliveries(&mut page, &vitals);
    health(&mut page, &vitals);
    if let Some(forward) = &vitals.forward {
        forwarding(&mut page, forward);
    }
    connections(&mut page, vitals.port);
    let (waiting, room) = journal.queue();
    page.gauge("queue_deliveries", "Deliveries that wait to be written", waiting);
    page.gauge("queue_capacity_deliveries", "Deliveries that may wait; more are answered 503", room);
    page.gauge("session_events", "Events in the session", journal.committed().borrow().events);
    if let Some(free) = journal.disk_free() {
        page.gauge("disk_free_bytes", "What is left on the disk of the session, to the mebibyte", free);
    }
    page.gauge("viewers", "Those who look on at the control address", viewers);
    commits(&mut page, &pulse.writes());
    page.0
}

fn deliveries(page: &mut Page, vitals: &Vitals) {
    page.counter("deliveries_accepted_total", "Deliveries answered 204", vitals.accepted);
    page.counter("deliveries_repeated_total", "Those of them that repeated an event", vitals.repeated);
    page.counter("events_total", "Events that were new", vitals.events());
    page.counter("events_unrecognised_total", "Those of them that were not understood", vitals.unrecognised);
    page.head("deliveries_refused_total", "counter", "Deliveries answered 401 (or 403), by why");
    for (code, count) in Code::ALL.into_iter().zip(vitals.refused) {
        page.line("deliveries_refused_total", &format!("{{code=\"{}\"}}", code.word()), count);
    }
    page.counter("deliveries_unavailable_total", "Deliveries answered 503", vitals.unavailable);
    page.counter("deliveries_too_large_total", "Deliveries answered 413", vitals.too_large);
    page.gauge("deliveries_refused_in_a_row", "Refusals since the last acceptance", vitals.streak);
}

fn health(page: &mut Page, vitals: &Vitals) {
    let up = |well: bool| u8::from(well);
    page.gauge("storage_up", "1 if the session can be written", up(vitals.storage_fault.is_none()));
    page.gauge("listener_up", "1 if the listener listens", up(vitals.listener_fault.is_none()));
    if let Some(relay) = &vitals.relay {
        page.gauge("relay_up", "1 if deliveries can come by the relay", up(Relay::is_live(relay)));
    }
    if let Some(at) = vitals.certificate_expires_at {
        let what = "When the certificate of the listener expires";
        page.gauge("certificate_expires_timestamp_seconds", what, at.secs());
    }
    if let Some(lag) = vitals.lag_millis {
        let what = "From the creation of an event to its arrival, the middle one of the latest";
        page.gauge("lag_seconds", what, lag as f64 / 1000.0);
    }
    if let Some(at) = vitals.last_accepted_at {
        let what = "When the latest delivery was accepted";
        page.gauge("last_accepted_timestamp_seconds", what, at.millis() as f64 / 1000.0);
    }
}

/// How passing events on is doing. The target is not named: its address may hold a token.
fn forwarding(page: &mut Page, forward: &Forwarding) {
    let what = "1 unless the target could not be reached, or failed again and again, when it was last tried";
    page.gauge("forward_up", what, u8::from(forward.trouble.is_none()));
    page.counter("forward_delivered_total", "Events that the target took", forward.delivered);
    page.counter("forward_given_up_total", "Events that it did not, given up", forward.given_up);
    page.gauge("forward_waiting_events", "Events that are not settled yet", forward.waiting);
}

/// What is open, and what was closed on those who did not behave.
fn connections(page: &mut Page, port: Port) {
    page.gauge("connections_open", "Connections to the listener", port.open);
    page.head("connections_closed_total", "counter", "Connections closed here, by why");
    let closed = [
        ("evicted", port.evicted),
        ("overdue", port.overdue),
        ("malformed", port.malformed),
        ("handshake", port.handshakes),
    ];
    for (why, count) in closed {
        page.line("connections_closed_total", &format!("{{why=\"{why}\"}}"), count);
    }
}

/// What an acknowledgement waits for: its group to be on disk.
fn commits(page: &mut Page, writes: &Writes) {
    page.head("commit_seconds", "histogram", "How long a group of deliveries took to be on disk");
    for (bound, count) in writes.within() {
        page.line("commit_seconds_bucket", &format!("{{le=\"{}\"}}", bound.as_secs_f64()), count);
    }
    page.line("commit_seconds_bucket", "{le=\"+Inf\"}", writes.groups);
    page.line("commit_seconds_sum", "", writes.took.as_secs_f64());
    page.line("commit_seconds_count", "", writes.groups);
    page.counter("committed_deliveries_total", "Deliveries written in those groups", writes.deliveries);
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, what: &str) {
        let _ = write!(self.0, "# HELP invigil_{name} {what}.\n# TYPE invigil_{name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "invigil_{name}{labels} {value}");
    }

    fn counter(&mut self, name: &str, what: &str, value: u64) {
        self.head(name, "counter", what);
        self.line(name, "", value);
    }

    fn gauge(&mut self, name: &str, what: &str, value: impl Display) {
        self.head(name, "gauge", what);
        self.line(name, "", value);
    }
}
