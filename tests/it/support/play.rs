//! A relay that plays by itself, as the public one does: it takes a listener, passes what is posted to the
//! listener's public URL on as frames, and gives the answers back.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "what a client does not do as it should is to fail the test; connections are tasks of their own"
)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

/// What waits for answers, and the way to the listener.
#[derive(Default)]
struct Table {
    listener: Option<(String, mpsc::UnboundedSender<Value>)>,
    waiting: HashMap<String, oneshot::Sender<Value>>,
    ids: u64,
}

type Shared = Arc<Mutex<Table>>;

/// Plays on this socket for as long as it is polled.
pub(crate) async fn play(socket: TcpListener) {
    let shared = Shared::default();
    while let Ok((stream, _)) = socket.accept().await {
        stream.set_nodelay(true).unwrap();
        tokio::spawn(connection(stream, Arc::clone(&shared)));
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    let mut method = [0; 4];
    if stream.peek(&mut method).await.unwrap_or_default() == 4 && method.starts_with(b"GET ") {
        return listen(stream, shared).await;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(pass_on(request, &shared).await) }
    });
    // A sender that goes away is no matter of the relay's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// A listener: its start is answered, then frames go out and answers come in.
async fn listen(stream: TcpStream, shared: Shared) {
    let socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let (mut sink, mut frames) = socket.split();
    let start: Value = serde_json::from_slice(&frames.next().await.unwrap().unwrap().into_data()).unwrap();
    let token = start["data"]["token"].as_str().unwrap().to_owned();
    let (send, mut sending) = mpsc::unbounded_channel::<Value>();
    send.send(start).unwrap();
    shared.lock().unwrap().listener = Some((token, send));
    tokio::spawn(async move {
        while let Some(frame) = sending.recv().await {
            let _ = sink.send(Message::text(frame.to_string())).await;
        }
    });
    while let Some(Ok(message)) = frames.next().await {
        if let Ok(frame) = serde_json::from_slice::<Value>(&message.into_data()) {
            let answered = shared.lock().unwrap().waiting.remove(frame["data"]["id"].as_str().unwrap());
            let _ = answered.unwrap().send(frame);
        }
    }
    shared.lock().unwrap().listener = None;
}

/// A delivery: on to the listener, and its answer back.
async fn pass_on(request: Request<Incoming>, shared: &Shared) -> Response<Body> {
    let status = |status| Response::builder().status(status).body(Body::empty()).unwrap();
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), 4 << 20).await.unwrap();
    let headers: serde_json::Map<_, _> = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let (answer, answered) = oneshot::channel();
    {
        let mut table = shared.lock().unwrap();
        table.ids += 1;
        let id = format!("relay-{}", table.ids);
        let Some((token, send)) = &table.listener else { return status(StatusCode::NOT_FOUND) };
        if parts.uri.path() != format!("/in/{token}/") {
            return status(StatusCode::NOT_FOUND);
        }
        let frame = json!({ "type": "event", "version": 1, "data": { "id": id, "method": parts.method.as_str(),
            "headers": headers, "body": STANDARD.encode(&body) } });
        let _ = send.send(frame);
        table.waiting.insert(id, answer);
    }
    let Ok(frame) = answered.await else { return status(StatusCode::GATEWAY_TIMEOUT) };
    let data = &frame["data"];
    let body = STANDARD.decode(data["body"].as_str().unwrap()).unwrap();
    let code = u16::try_from(data["status"].as_u64().unwrap()).unwrap();
    Response::builder().status(code).body(body.into()).unwrap()
}
