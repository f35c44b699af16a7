//! How passing events on is doing over there. What became of single events is no part of it, nor is a replay:
//! whoever ordered it sees how far it is.

use serde_json::{Value, json};

use super::{moment, text, time};
use crate::domain::forward::{Forwarding, Trouble};

pub(super) fn write(forward: &Forwarding) -> Value {
    let trouble = forward.trouble.as_ref().map(|trouble| {
        json!({
            "since": trouble.since.to_string(),
            "why": trouble.why,
            "again_at": moment(trouble.again_at),
        })
    });
    json!({
        "target": forward.target,
        "follows": forward.follows,
        "delivered": forward.delivered,
        "waiting": forward.waiting,
        "given_up": forward.given_up,
        "trouble": trouble,
    })
}

pub(super) fn read(of: &Value) -> Forwarding {
    let number = |name: &str| of[name].as_u64().unwrap_or_default();
    let trouble = |of: &Value| {
        Some(Trouble { since: time(of, "since")?, why: text(of, "why")?, again_at: time(of, "again_at") })
    };
    Forwarding {
        target: text(of, "target").unwrap_or_default(),
        follows: of["follows"].as_bool().unwrap_or_default(),
        delivered: number("delivered"),
        waiting: number("waiting"),
        given_up: number("given_up"),
        trouble: trouble(&of["trouble"]),
        ..Forwarding::default()
    }
}
