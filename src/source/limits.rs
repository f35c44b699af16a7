//! How much of everything the port gives to whoever connects: time, connections, bytes.

use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};

/// From the connection to its first byte; with TLS, the whole handshake too.
pub const FIRST_BYTE: Duration = Duration::from_secs(10);
/// From the first byte of a request to the last of its head. Svix sends it in one go.
pub const HEAD: Duration = Duration::from_secs(10);
/// For the body. Svix gives up 15 s after it began: what takes longer could not be acknowledged.
pub const BODY: Duration = Duration::from_secs(15);
/// For keeping it and answering. The journal answers long before; this is the net below it.
pub const STORE: Duration = Duration::from_secs(30);
/// A connection at rest between two requests. Clients let go after 90 s or less, and are to be first: a
/// request that meets a closing door fails.
pub const REST: Duration = Duration::from_secs(120);
/// For the peer to read its last answer and close.
pub const LEAVING: Duration = Duration::from_secs(2);
/// For requests in flight when the listener stops: within the sender's own 15 s.
pub const DRAIN: Duration = Duration::from_secs(10);
/// How often overdue connections are looked for.
pub const LOOK: Duration = Duration::from_millis(500);
/// The head of a request. Svix sends less than 2 KiB.
pub const HEAD_BYTES: usize = 32 << 10;
/// Bodies being read, together, before those who hold most of them have to go.
pub const BODY_BYTES: usize = 64 << 20;
/// What is still read from a peer that has had its last answer, so that it can read that.
pub const LEAVING_BYTES: usize = 4 << 20;
/// Connections the kernel keeps until they are accepted.
pub const BACKLOG: u32 = 4096;

/// Connections open at once.
const CONNECTIONS: usize = 1024;
/// Of them, from one address.
const PER_ADDRESS: usize = 256;
/// Files the rest of the program has open at most, with a wide margin.
const OTHER_FILES: u64 = 256;

/// How many connections may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// In all.
    pub all: usize,
    /// From one address. Loopback and trusted proxies stand for many and are free of it.
    pub per_address: usize,
}

impl Connections {
    /// As many as the system lets this process have, up to what makes sense; asks it for enough.
    #[must_use]
    pub fn of_this_process() -> Self {
        let wanted = CONNECTIONS as u64 * 2 + OTHER_FILES;
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|now| now < wanted) {
            let raised = limit.maximum.map_or(wanted, |most| most.min(wanted));
            // If not, there are fewer connections.
            if setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(raised), ..limit }).is_ok()
            {
                limit.current = Some(raised);
            }
        }
        Self::within(limit.current)
    }

    /// Half of the files, as a connection that was told to go has its own for a moment more.
    fn within(files: Option<u64>) -> Self {
        let files = files.map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES) / 2);
        let all = usize::try_from(files).unwrap_or(usize::MAX).clamp(16, CONNECTIONS);
        Self { all, per_address: PER_ADDRESS.min(all / 2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_mean_few_connections_and_never_none() {
        assert_eq!(Connections::within(None).all, CONNECTIONS);
        assert_eq!(Connections::within(Some(20_000)), Connections { all: 1024, per_address: 256 });
        assert_eq!(Connections::within(Some(1024)), Connections { all: 384, per_address: 192 });
        assert_eq!(Connections::within(Some(100)), Connections { all: 16, per_address: 8 });
    }
}
