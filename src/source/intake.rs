//! The door: every delivery, whatever its source, is verified, decoded, kept and only then answered.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::domain::count::{is_news, plural};
use crate::domain::delivery::{Arrival, Delivery, Receipt};
use crate::domain::refusal::{Code, Refusal};
use crate::domain::secret::{Keyring, Secret};
use crate::domain::signature::{self, Fault};
use crate::domain::time::Timestamp;
use crate::domain::{envelope, id};
use crate::pulse::Pulse;
use crate::store::Unavailable;
use crate::store::journal::Journal;

/// Deliveries that may wait for a secret, and the bytes of their bodies.
const WAITING: usize = 256;
const WAITING_BYTES: usize = 16 << 20;
/// An id is cut to this for showing it: it may be anything.
const SHOWN_ID: usize = 80;

/// What a delivery is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is durably kept, or was already.
    Kept(Receipt),
    /// It is refused.
    Refused(Code),
    /// It cannot be kept now; the sender is to try again.
    Unavailable,
}

/// What the door lets in.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The secrets any of which may have signed.
    pub keyring: Keyring,
    /// Unsigned deliveries are taken too, and marked.
    pub no_verify: bool,
    /// Seconds a timestamp may be off, both ways.
    pub tolerance_secs: i64,
}

/// The door. Clones share it.
#[derive(Clone)]
pub struct Intake {
    shared: Arc<Shared>,
    journal: Journal,
    pulse: Pulse,
}

struct Shared {
    rules: RwLock<Arc<Rules>>,
    waiting: Mutex<VecDeque<(u64, Arrival)>>,
    /// Deliveries that brought another body under a known id.
    conflicts: AtomicU64,
}

/// What a new secret did for the deliveries that waited for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settled {
    /// Verified and kept.
    pub verified: u64,
    /// Refused for good.
    pub refused: u64,
    /// Still waiting: this secret has signed none of them, so there may be another one.
    pub waiting: u64,
}

impl Intake {
    /// A door to this journal.
    #[must_use]
    pub fn new(rules: Rules, journal: Journal, pulse: Pulse) -> Self {
        let shared = Shared {
            rules: RwLock::new(Arc::new(rules)),
            waiting: Mutex::default(),
            conflicts: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), journal, pulse }
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.shared.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Verifies, decodes and keeps a delivery. When it returns [`Reply::Kept`], the event is on disk.
    pub async fn accept(&self, arrival: Arrival) -> Reply {
        let rules = self.rules();
        match admit(&arrival, &rules) {
            Ok(admitted) => self.keep(arrival, admitted).await,
            Err(fault) => {
                let code = fault.code;
                self.refuse(arrival, fault, &rules);
                Reply::Refused(code)
            }
        }
    }

    async fn keep(&self, arrival: Arrival, admitted: Admitted) -> Reply {
        let event = envelope::decode(&arrival.body);
        let (recognised, received_at) = (event.kind.is_some(), arrival.received_at);
        let lag = id::created_at(&admitted.id).map(|created| received_at.since(created));
        let shown = shown(&admitted.id);
        let delivery = Delivery {
            id: admitted.id,
            sent_at: admitted.sent_at,
            received_at,
            source: arrival.source,
            verified: admitted.verified,
            headers: arrival.headers,
            body: arrival.body,
            event,
        };
        match self.journal.append(delivery).await {
            Ok(receipt) => {
                self.pulse.accepted(receipt, recognised, received_at, lag);
                if let Receipt::Repeat { conflict: true, .. } = receipt {
                    self.conflicted(&shown);
                }
                Reply::Kept(receipt)
            }
            Err(Unavailable { .. }) => {
                self.pulse.unavailable();
                Reply::Unavailable
            }
        }
    }

    /// A known id came again with another body: nobody but the sender can tell why, so somebody is to ask.
    fn conflicted(&self, id: &str) {
        let before = self.shared.conflicts.fetch_add(1, Ordering::Relaxed);
        if is_news(before, before + 1) {
            let count = plural(before + 1, "such delivery");
            let kept = "the first one is kept";
            self.pulse.notice(format!("`{id}` came again with another body; {kept}; {count} so far"));
        }
    }

    /// Turns away a sender that `--allow` does not name.
    pub fn refuse_sender(&self, address: IpAddr, id: Option<&str>, at: Timestamp) {
        let hint = if address.is_loopback() {
            "; behind a proxy or tunnel name its address with --trust-proxy"
        } else {
            ""
        };
        self.pulse.refused(Refusal {
            number: 0,
            at,
            peer: Some(address.to_string()),
            id: id.map(shown),
            code: Code::SenderNotAllowed,
            sentence: format!("{address} is none of the senders that --allow names{hint}"),
            clock_off_secs: None,
            pending: false,
        });
    }

    fn refuse(&self, arrival: Arrival, fault: Fault, rules: &Rules) {
        let pending = rules.keyring.is_empty() && fault.code == Code::NoMatchingSignature;
        let id = ["svix-id", "webhook-id"].into_iter().find_map(|name| arrival.headers.get(name));
        let number = self.pulse.refused(Refusal {
            number: 0,
            at: arrival.received_at,
            peer: arrival.peer.clone(),
            id: id.map(shown),
            code: fault.code,
            sentence: fault.sentence,
            clock_off_secs: fault.clock_off_secs,
            pending,
        });
        if pending {
            self.wait(number, arrival);
        }
    }

    /// Puts a delivery aside until there is a secret; the oldest make room.
    fn wait(&self, number: u64, arrival: Arrival) {
        let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // A secret may have come since, and has looked at all that waited.
        if !self.rules().keyring.is_empty() {
            drop(waiting);
            let sentence = "came just before there was a secret; Svix sends it again".to_owned();
            return self.pulse.settled(number, Some((Code::NoMatchingSignature, sentence)));
        }
        waiting.push_back((number, arrival));
        let mut bytes: usize = waiting.iter().map(|(_, arrival)| arrival.body.len()).sum();
        while waiting.len() > WAITING || bytes > WAITING_BYTES {
            let Some((dropped, arrival)) = waiting.pop_front() else { break };
            bytes -= arrival.body.len();
            let sentence =
                "came before there was a secret, and too many after it; Svix sends it again".to_owned();
            self.pulse.settled(dropped, Some((Code::NoMatchingSignature, sentence)));
        }
    }

    /// Verifies with this secret too from now on, and looks again at what waited for one. If it has signed none of
    /// that, it was probably the wrong one, and they wait on.
    pub async fn add_secret(&self, secret: Secret) -> Settled {
        {
            let mut rules = self.shared.rules.write().unwrap_or_else(PoisonError::into_inner);
            let secrets = rules.keyring.secrets().iter().cloned().chain([secret]).collect();
            *rules = Arc::new(Rules { keyring: Keyring::new(secrets), ..(**rules).clone() });
        }
        let waiting =
            std::mem::take(&mut *self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        let rules = self.rules();
        let mut settled = Settled::default();
        let mut unsigned = VecDeque::new();
        for (number, arrival) in waiting {
            match admit(&arrival, &rules) {
                Ok(admitted) => {
                    if matches!(self.keep(arrival, admitted).await, Reply::Kept(_)) {
                        self.pulse.settled(number, None);
                        settled.verified += 1;
                    } else {
                        let sentence = "could not be kept when there was a secret; Svix sends it again";
                        self.pulse.settled(number, Some((Code::NoMatchingSignature, sentence.to_owned())));
                        settled.refused += 1;
                    }
                }
                Err(fault) => unsigned.push_back((number, arrival, fault)),
            }
        }
        if settled == Settled::default() {
            settled.waiting = unsigned.len() as u64;
            let mut waiting = self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.extend(unsigned.into_iter().map(|(number, arrival, _)| (number, arrival)));
            return settled;
        }
        for (number, _, fault) in unsigned {
            self.pulse.settled(number, Some((fault.code, fault.sentence)));
            settled.refused += 1;
        }
        settled
    }

    /// Whether anything can be verified or is taken unverified.
    #[must_use]
    pub fn needs_secret(&self) -> bool {
        let rules = self.rules();
        rules.keyring.is_empty() && !rules.no_verify
    }

    /// The secrets that are verified with.
    #[must_use]
    pub fn keyring(&self) -> Keyring {
        self.rules().keyring.clone()
    }

    /// Why nothing can be kept, if nothing can.
    #[must_use]
    pub fn storage_fault(&self) -> Option<String> {
        self.pulse.storage_fault()
    }

    /// A body was over the limit.
    pub fn too_large(&self) {
        self.pulse.too_large();
    }
}

/// An id as it is shown.
fn shown(id: &str) -> String {
    id.chars().take(SHOWN_ID).collect()
}

struct Admitted {
    id: String,
    sent_at: Timestamp,
    verified: bool,
}

/// Whether a delivery may pass, judged by the moment it arrived.
fn admit(arrival: &Arrival, rules: &Rules) -> Result<Admitted, Fault> {
    let now = arrival.received_at;
    let verified =
        signature::verify(&arrival.headers, &arrival.body, &rules.keyring, rules.tolerance_secs, now);
    match verified {
        Ok(verified) => Ok(Admitted { id: verified.id, sent_at: verified.sent_at, verified: true }),
        Err(_) if rules.no_verify => {
            let (id, sent_at) = signature::read_unverified(&arrival.headers, &arrival.body, now)?;
            Ok(Admitted { id, sent_at, verified: false })
        }
        Err(fault) => Err(fault),
    }
}
