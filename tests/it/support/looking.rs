//! The real `serve` with a control address, and somebody who looks on there by hand.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails is to say where"
)]

use std::path::Path;

use futures_util::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::SECRET;
use super::program::{PATIENCE, Program, signed};

pub(crate) const HERE: &str = "127.0.0.1:0";

/// `invigil serve` that lets people look on.
pub(crate) struct Server {
    program: Program,
    pub(crate) url: String,
    pub(crate) control: String,
    http: Client<HttpConnector, Full<bytes::Bytes>>,
}

impl Server {
    pub(crate) async fn start(session: &Path, control: &str, args: &[&str]) -> Self {
        let mut program = Program::serve(session, &[&["--control", control], args].concat()).await;
        let control = program.line().await.strip_prefix("control ws://").unwrap().to_owned();
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { url: program.url.clone(), program, control, http }
    }

    /// Delivers an event and waits until it is kept.
    pub(crate) async fn post(&self, id: &str, body: &str) {
        assert_eq!(self.offer(id, SECRET, body).await, 204, "{id}");
    }

    pub(crate) async fn offer(&self, id: &str, secret: &str, body: &str) -> u16 {
        let mut request = Request::post(&self.url);
        for (name, value) in signed(id, secret, body.as_bytes()) {
            request = request.header(name, value);
        }
        let body = Full::new(bytes::Bytes::copy_from_slice(body.as_bytes()));
        let answer = self.http.request(request.body(body).unwrap());
        timeout(PATIENCE, answer).await.unwrap().unwrap().status().as_u16()
    }

    /// Asks the control address for something; status and body.
    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let mut request = Request::get(format!("http://{}{path}", self.control));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.http.request(request.body(Full::default()).unwrap());
        let answer = timeout(PATIENCE, answer).await.unwrap().unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    pub(crate) async fn stop(self) {
        self.program.stop().await;
    }

    pub(crate) async fn kill(self) {
        self.program.kill().await;
    }
}

/// Somebody who looks on by hand.
pub(crate) struct Viewer(pub(crate) WebSocketStream<TcpStream>);

impl Viewer {
    pub(crate) async fn open(control: &str, query: &str) -> Self {
        Self::with(control, query, &[]).await.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    pub(crate) async fn with(
        control: &str,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let mut request = format!("ws://{control}/attach{query}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(control).await.unwrap();
        match timeout(PATIENCE, client_async(request, stream)).await.unwrap() {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// The next frame; `None` when it is over.
    pub(crate) async fn frame(&mut self) -> Option<Value> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap()?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The next frame of this kind.
    pub(crate) async fn told(&mut self, what: &str) -> Value {
        loop {
            let frame = self.frame().await.unwrap();
            if frame["what"] == what {
                return frame;
            }
        }
    }

    /// The ids of the next events, at least so many.
    pub(crate) async fn ids(&mut self, count: usize) -> Vec<String> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let frame = self.told("events").await;
            ids.extend(
                frame["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|event| event["id"].as_str().unwrap().to_owned()),
            );
        }
        ids
    }
}
