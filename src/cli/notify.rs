//! Tells a supervisor like systemd how the service is, where it asks to be told (`NOTIFY_SOCKET`).
#![expect(clippy::disallowed_methods, reason = "the supervisor names its socket in the environment")]

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;

/// It takes requests.
pub const READY: &str = "READY=1";
/// It stops in order.
pub const STOPPING: &str = "STOPPING=1";

/// Tells a state. A supervisor that cannot be told must not stop what it supervises.
pub fn tell(state: &str) {
    if let Some(socket) = std::env::var_os("NOTIFY_SOCKET") {
        let _ = send(&socket, state);
    }
}

fn send(name: &OsStr, state: &str) -> io::Result<usize> {
    let socket = UnixDatagram::unbound()?;
    match name.as_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "linux")]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.send_to_addr(state.as_bytes(), &address)
        }
        _ => socket.send_to(state.as_bytes(), name),
    }
}
