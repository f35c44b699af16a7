//! A relay as `relay.md` of its clients describes it, in the hands of a test: it takes the upgrade, and the
//! test says what happens on each link.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what a client does not do as it should is to fail the test"
)]

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// For anything that is to happen.
const PATIENCE: Duration = Duration::from_secs(30);
/// The reason of the close frame when another listener has the token.
pub(crate) const IN_USE: &str = "This socket is already in use";

/// A relay on a port of its own.
pub(crate) struct FakeRelay {
    socket: TcpListener,
    pub(crate) host: String,
}

impl FakeRelay {
    pub(crate) async fn open() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = socket.local_addr().unwrap().to_string();
        Self { socket, host }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.host)
    }

    /// From now on it plays by itself.
    pub(crate) async fn play(self) {
        super::play::play(self.socket).await;
    }

    /// The public URL of a token.
    pub(crate) fn receive(&self, token: &str) -> String {
        format!("http://{}/in/{token}/", self.host)
    }

    /// A connection, before anything is read from it.
    pub(crate) async fn connection(&self) -> TcpStream {
        let (stream, _) = timeout(PATIENCE, self.socket.accept()).await.unwrap().unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// The next link.
    pub(crate) async fn accept(&self) -> Line<TcpStream> {
        Line::upgrade(self.connection().await).await
    }

    /// The next link, and the token it asked for and was given.
    pub(crate) async fn granted(&self) -> (Line<TcpStream>, String) {
        let mut line = self.accept().await;
        let token = line.start().await;
        line.grant(&token).await;
        (line, token)
    }
}

/// An answer of the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) id: String,
    pub(crate) status: u64,
    pub(crate) headers: Value,
    pub(crate) body: Vec<u8>,
}

/// A link, seen from the relay.
pub(crate) struct Line<S> {
    socket: WebSocketStream<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    pub(crate) async fn upgrade(stream: S) -> Self {
        let check = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/api/v1/listen/");
            Ok(response)
        };
        Self { socket: timeout(PATIENCE, accept_hdr_async(stream, check)).await.unwrap().unwrap() }
    }

    /// The next message; `None` when the link is gone.
    pub(crate) async fn message(&mut self) -> Option<Message> {
        timeout(PATIENCE * 10, self.socket.next()).await.unwrap()?.ok()
    }

    /// The next frame.
    async fn frame(&mut self) -> Value {
        loop {
            let message = self.message().await.unwrap();
            if message.is_text() || message.is_binary() {
                return serde_json::from_slice(&message.into_data()).unwrap();
            }
        }
    }

    /// The token that the client asks for first of all.
    pub(crate) async fn start(&mut self) -> String {
        let frame = self.frame().await;
        assert_eq!((&frame["type"], &frame["version"]), (&json!("start"), &json!(1)));
        frame["data"]["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn grant(&mut self, token: &str) {
        self.text(json!({ "type": "start", "version": 1, "data": { "token": token } })).await;
    }

    pub(crate) async fn text(&mut self, frame: impl ToString) {
        self.send(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// The answer that comes next.
    pub(crate) async fn answer(&mut self) -> Answered {
        let frame = self.frame().await;
        assert_eq!((&frame["type"], &frame["version"]), (&json!("event"), &json!(1)));
        let data = &frame["data"];
        Answered {
            id: data["id"].as_str().unwrap().to_owned(),
            status: data["status"].as_u64().unwrap(),
            headers: data["headers"].clone(),
            body: STANDARD.decode(data["body"].as_str().unwrap()).unwrap(),
        }
    }

    /// Sends a frame and returns the status of its answer, which must be the next.
    pub(crate) async fn ask(&mut self, frame: Value) -> u64 {
        self.text(&frame).await;
        let answered = self.answer().await;
        assert_eq!(answered.id, frame["data"]["id"].as_str().unwrap());
        answered.status
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &'static str) {
        let close = CloseFrame { code: code.into(), reason: reason.into() };
        self.send(Message::Close(Some(close))).await;
        while self.message().await.is_some() {}
    }
}

impl Line<TcpStream> {
    /// Goes without a word, as a machine does that is switched off.
    pub(crate) fn reset(self) {
        self.socket.get_ref().set_zero_linger().unwrap();
    }
}

/// The frame of a delivery.
pub(crate) fn event(id: &str, headers: &Value, body: &[u8]) -> Value {
    json!({ "type": "event", "version": 1, "data": {
        "id": id, "method": "POST", "headers": headers, "body": STANDARD.encode(body),
    } })
}
