//! One connection: handshake, requests, farewell.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use axum::Router;
use axum::http::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::limits;
use super::roster::{Line, Order, Phase, Place, Roster};
use super::tls::{self, Tls};
use crate::pulse::Pulse;

/// The first byte of everything that speaks TLS.
const HANDSHAKE: u8 = 0x16;
/// To who speaks HTTP where TLS is spoken.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
/// To who begins with HTTP/2: empty settings, then `GOAWAY` with the code `HTTP_1_1_REQUIRED`.
const NOT_HTTP_2: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d";

/// Who asks, added to each request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The connection.
    pub line: Arc<Line>,
}

/// What every connection of a listener shares.
#[derive(Clone)]
pub struct Common {
    /// Answers.
    pub router: Router,
    /// Knows everybody.
    pub roster: Arc<Roster>,
    /// Is spoken first, if there is one.
    pub tls: Option<Tls>,
    /// Hears of handshakes that fail.
    pub pulse: Pulse,
}

/// Serves one connection until its end, or until the roster wants its place.
pub async fn run(stream: TcpStream, peer: SocketAddr, place: Place, common: Common) {
    let line = Arc::clone(place.line());
    match &common.tls {
        None => talk(stream, peer, &line, &common).await,
        Some(tls) => {
            let greeting = greet(stream, tls, &common);
            let greeted = tokio::select! {
                greeted = greeting => greeted,
                Order::Close | Order::Finish = line.order(None) => None,
            };
            if let Some(stream) = greeted {
                talk(stream, peer, &line, &common).await;
            }
        }
    }
    drop(place);
}

/// The TLS handshake; `None` if there is none.
async fn greet(
    mut stream: TcpStream,
    tls: &Tls,
    common: &Common,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await.ok()? == 0 {
        return None;
    }
    if first != [HANDSHAKE] {
        common.roster.malformed.fetch_add(1, Relaxed);
        let _ = stream.write_all(NOT_TLS).await;
        farewell(stream).await;
        return None;
    }
    match tls.accept(stream).await {
        Ok(stream) => Some(stream),
        Err(error) => {
            let failed = common.roster.handshakes.fetch_add(1, Relaxed) + 1;
            common.pulse.handshake_failed(&error.to_string(), failed);
            if let Some(why) = tls::doubt(&error) {
                common.pulse.certificate_doubted(why);
            }
            None
        }
    }
}

/// Requests and their answers, one after the other.
async fn talk<S>(stream: S, peer: SocketAddr, line: &Arc<Line>, common: &Common)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        line.enter(Phase::Body);
        request.extensions_mut().insert(Caller { peer, line: Arc::clone(line) });
        let answer = common.router.clone().oneshot(request);
        async move {
            let answer = answer.await;
            line.let_go();
            if answer.as_ref().is_ok_and(|answer| answer.status() == StatusCode::NO_CONTENT) {
                line.delivered();
            }
            line.enter(Phase::Rest);
            answer
        }
    });
    let heard = Heard { stream, line: Arc::clone(line), first: None, ended: false };
    let mut connection = http1::Builder::new()
        // The roster keeps the time.
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD_BYTES)
        // Who has said everything may close that side and is still answered.
        .half_close(true)
        .serve_connection(TokioIo::new(heard), service);
    let mut done = None;
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            order = line.order(done) => match order {
                Order::Close => return,
                Order::Finish => Pin::new(&mut connection).graceful_shutdown(),
            },
        }
        done = Some(Order::Finish);
    };
    let mut heard = connection.into_parts().io.into_inner();
    if let Err(error) = &ended
        && error.is_parse()
    {
        common.roster.malformed.fetch_add(1, Relaxed);
        if error.is_parse_version_h2() {
            let _ = heard.stream.write_all(NOT_HTTP_2).await;
        } else if heard.first == Some(HANDSHAKE) && common.tls.is_none() {
            let failed = common.roster.handshakes.fetch_add(1, Relaxed) + 1;
            common.pulse.handshake_failed("TLS was spoken to a port without it (see --tls-cert)", failed);
        }
    }
    if !heard.ended {
        line.enter(Phase::Leaving);
        tokio::select! {
            () = farewell(heard.stream) => {}
            Order::Close = line.order(Some(Order::Finish)) => {}
        }
    }
}

/// Says goodbye and lets the peer read it: a connection closed over unread bytes is reset, and what was
/// answered is lost on the way.
async fn farewell<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut scrap = [0; 4096];
    let mut left = limits::LEAVING_BYTES;
    while left > 0 {
        match stream.read(&mut scrap).await {
            Ok(0) | Err(_) => return,
            Ok(read) => left = left.saturating_sub(read),
        }
    }
}

/// A stream that tells its line when something comes.
struct Heard<S> {
    stream: S,
    line: Arc<Line>,
    first: Option<u8>,
    ended: bool,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let room = buffer.remaining() > 0;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(read) = &read {
            match buffer.filled().get(before) {
                Some(byte) => {
                    self.first.get_or_insert(*byte);
                    self.line.heard();
                }
                None => self.ended |= room || read.is_err(),
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
