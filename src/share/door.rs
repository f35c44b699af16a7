//! The control address's own socket: few connections, each bounded in time until it is asked for something.
#![expect(clippy::disallowed_methods, reason = "connections are tasks of their own")]

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::{Share, VIEWERS, router};

/// From the first byte awaited to the last header byte.
const HEADERS: Duration = Duration::from_secs(10);
/// For questions and answers: a connection that has not become a stream by then ends with the answer it is at.
const ANSWERED: Duration = Duration::from_secs(30);
/// Connections that are asking for something: more wait in the kernel's queue. Viewers are counted apart.
const CONNECTIONS: usize = VIEWERS;
/// For viewers to be told what is left, once this is to end; and for the last answer to be read.
const FAREWELL: Duration = Duration::from_secs(3);

/// A bound socket that does not accept yet.
pub struct Door {
    socket: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Binds the address.
    ///
    /// # Errors
    /// One line that names the address, what is wrong and what to do.
    pub async fn bind(address: SocketAddr) -> Result<Self, String> {
        let bound = async {
            let socket = TcpListener::bind(address).await?;
            Ok(Self { address: socket.local_addr()?, socket })
        };
        bound.await.map_err(|error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => "another program listens there; choose another port",
                io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; choose a higher one",
                io::ErrorKind::AddrNotAvailable => "this machine has no such address",
                _ => return format!("cannot listen on {address}: {error}"),
            };
            format!("cannot listen on {address}: {hint}")
        })
    }

    /// Where it listens; the port is the real one if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets people look until the share is done, and has told those who look what is left.
    pub async fn serve(self, share: Share) {
        let (done, tasks) = (share.done.clone(), share.tasks.clone());
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = done.cancelled() => break,
                accepted = accept(&self.socket, &permits) => accepted,
            };
            match accepted {
                Ok((stream, permit)) => {
                    let (share, done) = (share.clone(), done.clone());
                    tokio::spawn(async move {
                        done.run_until_cancelled(connection(stream, share)).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, or a connection gone before it was accepted: wait, go on.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        drop(self.socket);
        tasks.close();
        // Who has not taken it by then attaches again, and goes on from where it was.
        let _ = timeout(FAREWELL, tasks.wait()).await;
    }
}

async fn accept(
    socket: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = socket.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, permit))
}

/// Answers what is asked on a connection for a while, or until it has become a stream.
pub(super) async fn connection<S>(stream: S, share: Share)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = router(share);
    let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().oneshot(request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // A connection that breaks off is the peer's business, and so is an answer that is not read.
    if timeout(ANSWERED, &mut connection).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(FAREWELL, connection).await;
    }
}
