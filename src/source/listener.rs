//! The listening socket: accepts connections as long as there is room, and drains on shutdown.
#![expect(clippy::disallowed_methods, reason = "connections are tasks of their own")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{self, Common};
use super::limits::{self, Connections};
use super::peer::Peers;
use super::roster::{Place, Roster};
use super::tls::Tls;
use crate::pulse::Pulse;

/// A bound socket that does not accept yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    connections: Connections,
}

/// Who is spoken with, and how.
pub struct Terms {
    /// Whose connections stand for many.
    pub peers: Peers,
    /// TLS is spoken, and nothing else.
    pub tls: Option<Tls>,
    /// Hears how the port is doing.
    pub pulse: Pulse,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// One line that names the address, what is wrong and what to do.
    pub fn bind(address: SocketAddr) -> Result<Self, String> {
        let hint = |error: &io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there; end it or choose another port with --listen".to_owned()
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need privileges; choose a higher one with --listen".to_owned()
            }
            io::ErrorKind::AddrNotAvailable => "this machine has no such address; see --listen".to_owned(),
            _ => error.to_string(),
        };
        let bound = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
            // A restart must not wait for the connections of the run before to be forgotten.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(limits::BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address, connections: Connections::of_this_process() })
        };
        bound().map_err(|error: io::Error| format!("cannot listen on {address}: {}", hint(&error)))
    }

    /// Where it listens; the port is the real one if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then finishes what is in flight.
    pub async fn serve(self, router: Router, terms: Terms, stop: CancellationToken) {
        let Self { socket, connections, .. } = self;
        let Terms { peers, tls, pulse } = terms;
        let roster = Roster::new(connections);
        if let Some(tls) = &tls {
            tokio::spawn(tls.clone().follow(pulse.clone(), stop.clone()));
        }
        let common = Common { router, roster, tls, pulse };
        let looking = async {
            let mut looks = interval(limits::LOOK);
            loop {
                looks.tick().await;
                common.roster.look();
                common.pulse.port(common.roster.port());
            }
        };
        let accepting = async {
            loop {
                match accept(&socket, &common, &peers).await {
                    Ok(Some((stream, peer, place))) => {
                        tokio::spawn(connection::run(stream, peer, place, common.clone()));
                    }
                    Ok(None) => {}
                    // Out of file descriptors, or a connection gone before it was accepted: wait, go on.
                    Err(_) => sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::pin!(looking);
        tokio::select! {
            () = stop.cancelled() => {}
            () = accepting => {}
            () = &mut looking => {}
        }
        drop(socket);
        common.roster.dismiss();
        // What has not been answered by then was not acknowledged: the sender tries again.
        tokio::select! {
            _ = timeout(limits::DRAIN, at_rest(&common.roster)) => {}
            () = looking => {}
        }
        common.roster.close();
    }
}

/// The next connection and its place; none if there is none for it.
async fn accept(
    socket: &TcpListener,
    common: &Common,
    peers: &Peers,
) -> io::Result<Option<(TcpStream, SocketAddr, Place)>> {
    let (stream, peer) = socket.accept().await?;
    stream.set_nodelay(true)?;
    let address = peer.ip().to_canonical();
    let stands_for_many = address.is_loopback() || peers.trusts(address);
    let place = common.roster.admit(address, !stands_for_many).await;
    Ok(place.map(|place| (stream, peer, place)))
}

/// Ends when no request has been in flight for a moment. A connection on which nothing is asked could keep
/// the listener for as long as its first byte may take.
async fn at_rest(roster: &Roster) {
    let mut quiet = 0;
    while quiet < 10 {
        quiet = if roster.is_asked() { 0 } else { quiet + 1 };
        sleep(Duration::from_millis(10)).await;
    }
}
