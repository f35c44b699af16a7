//! The client: signs beforehand, then sends over keep-alive connections as fast as it is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use invigil::domain::id;
use invigil::domain::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The secret of every server of the benchmark.
pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
const KINDS: [&str; 8] = [
    "invited",
    "enrolled",
    "in_progress",
    "in_progress",
    "in_progress",
    "completed",
    "score_updated",
    "rejected",
];

/// Signed requests for one round: eight events for each of many candidates of six assessments, with
/// tab switches that grow, every id new.
pub fn requests(round: usize, events: usize, address: SocketAddr) -> Vec<Vec<u8>> {
    let secret = Secret::parse(SECRET).expect("a good secret");
    let now = invigil::clock::now();
    let compact = compact();
    let mut random = fastrand::Rng::with_seed(round as u64);
    let mut candidates = Vec::new();
    (0..events)
        .map(|n| {
            if n % 8 == 0 {
                candidates.push(format!("{round:08x}{n:016x}"));
            }
            // Neighbours in time are different people, as in a real rollout.
            let step = n / (events / 8).max(1) % 8;
            let candidate = format!("{round:08x}{:016x}", n % (events / 8).max(1));
            let body = compact
                .replace("69145db6968cb883ddfc598b", &candidate)
                .replace("6a019dfcd71395322307e373", &format!("6a019dfcd71395322307e37{}", n % 6))
                .replace("\"event\":\"completed\"", &format!("\"event\":\"{}\"", KINDS[step]))
                .replace("\"tabSwitchCount\":0", &format!("\"tabSwitchCount\":{}", step / 2))
                .replace("1778491596453", &(now.millis() - 10_000 + step as i64).to_string());
            let id = id::message_id(now, std::array::from_fn(|_| random.u8(..)));
            let signature = secret.sign(&id, now.secs(), body.as_bytes());
            format!(
                "POST /webhook HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\nUser-Agent: Svix-Webhooks/1.0\r\n\
                 content-type: application/json\r\nsvix-id: {id}\r\nsvix-timestamp: {}\r\nsvix-signature: {signature}\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                now.secs(),
                body.len()
            )
            .into_bytes()
        })
        .collect()
}

/// The sample as the sender writes it: without blanks, about 4 kB with a comment's worth of padding.
fn compact() -> String {
    let value: serde_json::Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    let text = value.to_string();
    let padding = "lorem ipsum dolor sit amet ".repeat(4000usize.saturating_sub(text.len()).div_ceil(27));
    text.replace("\"metadata\":{}", &format!("\"metadata\":{{\"note\":\"{padding}\"}}"))
}

/// Sends all requests and returns how long it took until the last answer, which must all be 204.
pub async fn send(address: SocketAddr, requests: Vec<Vec<u8>>, connections: usize) -> Duration {
    let mut shares: Vec<Vec<Vec<u8>>> = (0..connections).map(|_| Vec::new()).collect();
    for (n, request) in requests.into_iter().enumerate() {
        shares[n % connections].push(request);
    }
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a TCP socket");
        streams.push(stream);
    }
    let begun = Instant::now();
    let local = tokio::task::LocalSet::new();
    let mut tasks = Vec::new();
    for (mut stream, share) in streams.into_iter().zip(shares) {
        tasks.push(local.spawn_local(async move {
            let mut answer = [0; 1024];
            for request in share {
                stream.write_all(&request).await.expect("the server reads");
                let length = stream.read(&mut answer).await.expect("the server answers");
                let text = String::from_utf8_lossy(&answer[..length]);
                assert!(text.starts_with("HTTP/1.1 204"), "{text}");
            }
        }));
    }
    local
        .run_until(async {
            for task in tasks {
                task.await.expect("no request fails");
            }
        })
        .await;
    begun.elapsed()
}
