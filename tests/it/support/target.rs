//! The user's own code, in the hands of a test: an HTTP server that answers as it is told and hands over what it
//! got.

#![expect(clippy::unwrap_used, reason = "what a client does not do as it should is to fail the test")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use invigil::domain::delivery::Headers;
use rustls::ServerConfig;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::program::PATIENCE;

/// What a target does with a request, once it has read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Answers with a status and a body.
    Answer(u16, &'static str),
    /// Never answers.
    Hang,
    /// Begins to answer and hangs up.
    Close,
    /// Says that it is elsewhere: at `/elsewhere`.
    Redirect,
    /// Says 200, and never ends.
    Endless,
}

/// A request as a target got it.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) line: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn id(&self) -> &str {
        self.headers.get("svix-id").unwrap_or_default()
    }
}

/// A target on a port of its own.
pub(crate) struct Target {
    pub(crate) host: String,
    manner: Arc<dyn Fn(&Got) -> Manner + Send + Sync>,
    got: mpsc::UnboundedReceiver<Got>,
    tell: mpsc::UnboundedSender<Got>,
    /// Requests open now, and the most that ever were.
    open: Arc<(AtomicUsize, AtomicUsize)>,
    /// Bytes that were taken from it, where it never ends.
    pub(crate) sent: Arc<AtomicUsize>,
    serving: Mutex<JoinSet<()>>,
    /// It speaks TLS.
    tls: Option<TlsAcceptor>,
}

impl Target {
    /// One that does the same with every request.
    pub(crate) async fn open(manner: Manner) -> Self {
        Self::that(move |_| manner).await
    }

    /// One that looks at a request first.
    pub(crate) async fn that(manner: impl Fn(&Got) -> Manner + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = socket.local_addr().unwrap().to_string();
        let (tell, got) = mpsc::unbounded_channel();
        let serving = Mutex::default();
        let manner = Arc::new(manner);
        let (open, sent) = (Arc::default(), Arc::default());
        let target = Self { host, manner, got, tell, open, sent, serving, tls: None };
        target.serve(socket);
        target
    }

    /// The same behind TLS, from its next connection on.
    pub(crate) async fn encrypted(mut self, tls: ServerConfig) -> Self {
        self.leave().await;
        self.tls = Some(TlsAcceptor::from(Arc::new(tls)));
        self.serve(TcpListener::bind(&self.host).await.unwrap());
        self
    }

    fn serve(&self, socket: TcpListener) {
        let (manner, tell) = (Arc::clone(&self.manner), self.tell.clone());
        let (open, sent, tls) = (Arc::clone(&self.open), Arc::clone(&self.sent), self.tls.clone());
        self.serving.lock().unwrap().spawn(async move {
            // Dropped with this task, and with them their connections.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = socket.accept().await {
                let line = (Arc::clone(&manner), tell.clone(), Arc::clone(&open), Arc::clone(&sent));
                let tls = tls.clone();
                connections.spawn(async move {
                    let _ = match tls {
                        None => converse(stream, &*line.0, &line.1, &line.2, &line.3).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, &*line.0, &line.1, &line.2, &line.3).await,
                            // Whoever does not trust it hangs up.
                            Err(why) => Err(why),
                        },
                    };
                });
            }
        });
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/hooks?token=t1", self.host)
    }

    /// Goes away: connections end, and no new ones can be made.
    pub(crate) async fn leave(&self) {
        let mut serving = std::mem::take(&mut *self.serving.lock().unwrap());
        serving.shutdown().await;
        self.open.0.store(0, Ordering::Relaxed);
    }

    /// Is there again, at the same port.
    pub(crate) async fn come_back(&mut self, manner: Manner) {
        self.manner = Arc::new(move |_| manner);
        let socket = TcpListener::bind(&self.host).await.unwrap();
        self.serve(socket);
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Got {
        timeout(PATIENCE, self.got.recv()).await.unwrap().unwrap()
    }

    /// So many requests, by id.
    pub(crate) async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            ids.push(self.next().await.id().to_owned());
        }
        ids.sort();
        ids
    }

    /// No more requests have come than were looked at.
    pub(crate) fn nothing(&mut self) -> bool {
        self.got.try_recv().is_err()
    }

    /// The most requests that were ever open at once.
    pub(crate) fn most(&self) -> usize {
        self.open.1.load(Ordering::Relaxed)
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    manner: &(dyn Fn(&Got) -> Manner + Send + Sync),
    tell: &mpsc::UnboundedSender<Got>,
    open: &(AtomicUsize, AtomicUsize),
    sent: &AtomicUsize,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let got = read(&mut stream).await?;
        let now = open.0.fetch_add(1, Ordering::Relaxed) + 1;
        open.1.fetch_max(now, Ordering::Relaxed);
        let manner = manner(&got);
        let _ = tell.send(got);
        match manner {
            Manner::Answer(status, body) => {
                let length = body.len();
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await?;
            }
            Manner::Redirect => {
                let answer = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).await?;
            }
            Manner::Hang => std::future::pending().await,
            Manner::Close => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le").await?;
                open.0.fetch_sub(1, Ordering::Relaxed);
                return Ok(());
            }
            Manner::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
                let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
                open.0.fetch_sub(1, Ordering::Relaxed);
                loop {
                    stream.write_all(&chunk).await?;
                    sent.fetch_add(chunk.len(), Ordering::Relaxed);
                }
            }
        }
        open.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn read(stream: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Got> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let pairs = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers = Headers(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Got { line: lines.first().cloned().unwrap_or_default(), headers, body })
}
