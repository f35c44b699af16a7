//! The listening socket: accepts connections, bounds them in number and time, and drains on shutdown.
#![expect(clippy::disallowed_methods, reason = "connections are tasks of their own")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::http::Peer;

/// From the first byte awaited to the last header byte. Svix sends them in one go.
const HEADERS: Duration = Duration::from_secs(10);
/// For one request from its last header byte to its answer. Svix gives up after 15 s.
const REQUEST: Duration = Duration::from_secs(30);
/// For requests in flight when the listener stops: within the sender's own 15 s.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections open at once. More wait in the kernel's queue.
const CONNECTIONS: usize = 1024;

/// A bound socket that does not accept yet.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds the address.
    ///
    /// # Errors
    /// One line that names the address, what is wrong and what to do.
    pub async fn bind(address: SocketAddr) -> Result<Self, String> {
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
        let bound = async {
            let socket = TcpListener::bind(address).await?;
            let address = socket.local_addr()?;
            Ok(Self { socket, address })
        };
        bound.await.map_err(|error: io::Error| format!("cannot listen on {address}: {}", hint(&error)))
    }

    /// Where it listens; the port is the real one if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, then finishes what is in flight.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let graceful = GracefulShutdown::new();
        let in_flight = Arc::new(AtomicUsize::new(0));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accept(&self.socket, &permits) => accepted,
            };
            match accepted {
                Ok((stream, peer, permit)) => {
                    tokio::spawn(connection(
                        stream,
                        peer,
                        permit,
                        Serving { router: router.clone(), in_flight: Arc::clone(&in_flight) },
                        graceful.watcher(),
                    ));
                }
                // Out of file descriptors, or a connection gone before it was accepted: wait, go on.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        drop(self.socket);
        // What has not been answered by then was not acknowledged: the sender tries again.
        let _ = timeout(DRAIN, async {
            tokio::select! {
                () = graceful.shutdown() => {}
                () = at_rest(&in_flight) => {}
            }
        })
        .await;
    }
}

/// Ends when no request has been in flight for a moment. A connection on which nothing is asked could keep
/// the listener for as long as its first byte may take.
async fn at_rest(in_flight: &AtomicUsize) {
    let mut quiet = 0;
    while quiet < 10 {
        quiet = if in_flight.load(Ordering::Relaxed) == 0 { quiet + 1 } else { 0 };
        sleep(Duration::from_millis(10)).await;
    }
}

/// What each connection needs for its requests.
#[derive(Clone)]
struct Serving {
    router: Router,
    in_flight: Arc<AtomicUsize>,
}

async fn accept(
    socket: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = socket.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, permit))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    serving: Serving,
    watcher: Watcher,
) {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let Serving { router, in_flight } = serving.clone();
        request.extensions_mut().insert(Peer(peer));
        async move {
            in_flight.fetch_add(1, Ordering::Relaxed);
            let answered = timeout(REQUEST, router.oneshot(request)).await;
            in_flight.fetch_sub(1, Ordering::Relaxed);
            match answered {
                Ok(answer) => answer,
                Err(_elapsed) => {
                    let mut answer = axum::response::Response::default();
                    *answer.status_mut() = axum::http::StatusCode::REQUEST_TIMEOUT;
                    Ok(answer)
                }
            }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that breaks off is the peer's business; what it sent whole was answered.
    let _ = watcher.watch(connection).await;
    drop(permit);
}
