//! The servers that only exist for comparison, in the same shell (axum) as the listener.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, mpsc};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use invigil::domain::delivery::Headers;
use invigil::domain::secret::{Keyring, Secret};
use invigil::domain::{envelope, signature};
use tokio::sync::oneshot;

use super::client::SECRET;

/// Bodies written with one sync of the disk, at most.
const GROUP: usize = 512;

type Append = (Bytes, oneshot::Sender<()>);

/// Appends whatever waits as one group, syncs it, and says so to those who wait.
fn append(mut file: File, waiting: &mpsc::Receiver<Append>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let bytes: Vec<&[u8]> = group.iter().map(|(body, _)| &**body).collect();
        file.write_all(&bytes.concat()).expect("the disk has room");
        file.sync_data().expect("the disk syncs");
        for (_, done) in group {
            let _ = done.send(());
        }
    }
}

/// Runs one of them: `bare`, `parse` or `append`.
pub fn run(kind: &str) {
    let keyring = Arc::new(Keyring::new(vec![Secret::parse(SECRET).expect("a good secret")]));
    let parse = kind != "bare";
    let writer = (kind == "append").then(|| {
        let path = std::env::var_os("INVIGIL_BENCH_FILE").expect("a file to append to");
        let file = File::create(path).expect("a file");
        let (orders, waiting) = mpsc::sync_channel::<Append>(2048);
        std::thread::spawn(move || append(file, &waiting));
        orders
    });
    let handler = move |headers: HeaderMap, body: Bytes| {
        let (keyring, writer) = (Arc::clone(&keyring), writer.clone());
        async move {
            if parse {
                let pairs = headers.iter().map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                });
                let headers = Headers(pairs.collect());
                if signature::verify(&headers, &body, &keyring, 300, invigil::clock::now()).is_err() {
                    return StatusCode::UNAUTHORIZED;
                }
                std::hint::black_box(envelope::decode(&body));
            }
            if let Some(writer) = writer {
                let (done, synced) = oneshot::channel();
                if writer.try_send((body, done)).is_err() || synced.await.is_err() {
                    return StatusCode::SERVICE_UNAVAILABLE;
                }
            }
            StatusCode::NO_CONTENT
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("listening on http://{}/webhook", listener.local_addr().expect("an address"));
        let router = Router::new().route("/webhook", post(handler));
        axum::serve(listener, router).await.expect("the server runs");
    });
}
