//! Many who send nothing, or send it slowly. `INVIGIL_LONG=1` has them come in thousands and measures:
//! `INVIGIL_LONG=1 cargo test --release --test it port::attack -- --nocapture --test-threads 1`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Instant;

use super::*;

fn long() -> bool {
    std::env::var_os("INVIGIL_LONG").is_some()
}

/// Whether the other end has closed, without waiting for it.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 512]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

/// Allows this process enough connections.
fn raise_files() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
}

/// How long good requests take, each on a connection of its own, then on one that stays: middle and p99.
fn latencies(served: &Served, count: usize) -> [Duration; 2] {
    let mut taken = Vec::new();
    let mut kept = served.connect();
    let mut answer = [0; 512];
    for n in 0..count {
        let started = Instant::now();
        if n % 2 == 0 {
            served.check();
        } else {
            kept.write_all(&signed().bytes()).unwrap();
            let read = kept.read(&mut answer).unwrap();
            assert!(answer[..read].starts_with(b"HTTP/1.1 204 "), "{n}");
        }
        taken.push(started.elapsed());
    }
    taken.sort();
    [taken[count / 2], taken[count * 99 / 100]]
}

/// Connections that send a request a byte a second or slower, and come again when they are closed.
fn slow_senders(address: SocketAddr, count: usize, stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let request = |n: usize| match n % 3 {
            0 => format!("POST /webhook HTTP/1.1\r\nX-Slow: {}", "a".repeat(1000)),
            1 => format!("POST /webhook HTTP/1.1\r\nContent-Length: 100000\r\n\r\n{}", "a".repeat(1000)),
            _ => format!(
                "POST /webhook HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{}",
                "1\r\na\r\n".repeat(200)
            ),
        };
        // Of each, what is to be sent next; a head goes in one, so that some are waited for in the body.
        let begin = |n: usize| {
            let text = request(n);
            let at = text.find("\r\n\r\n").map_or(0, |at| at + 4);
            let mut stream = TcpStream::connect(address).ok()?;
            stream.write_all(&text.as_bytes()[..at]).ok()?;
            Some((stream, text.into_bytes(), at))
        };
        let mut senders: Vec<_> = (0..count).map(begin).collect();
        let mut again = 0;
        while !stop.load(Ordering::Relaxed) {
            let round = Instant::now();
            for (n, sender) in senders.iter_mut().enumerate() {
                let goes_on = sender.as_mut().is_some_and(|(stream, text, at)| {
                    let byte = text.get(*at..*at + 1).unwrap_or(b"a");
                    *at += 1;
                    !is_closed(stream) && stream.write_all(byte).is_ok()
                });
                if !goes_on {
                    *sender = begin(n);
                    again += 1;
                }
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            std::thread::sleep(Duration::from_secs(1).saturating_sub(round.elapsed()));
        }
        again
    })
}

#[test]
fn whoever_takes_too_long_is_closed_while_good_traffic_goes_on() {
    let served = Served::with(&[]);
    let begin = |bytes: &[u8]| {
        let mut stream = served.connect();
        stream.write_all(bytes).unwrap();
        stream
    };
    let started = Instant::now();
    let body = signed().bytes();
    let mut slow = [
        ("nothing", begin(b""), 10, ""),
        ("half a head", begin(&body[..60]), 10, ""),
        ("half a body", begin(&body[..body.len() - 9]), 15, "HTTP/1.1 408 "),
        ("half a chunk", begin(&signed().chunked(50).bytes()[..400]), 15, "HTTP/1.1 408 "),
    ];
    // A byte now and then does not help.
    let mut dribble = begin(&body[..20]);
    let mut dribbled = None;
    let mut ended = [None; 4];
    while ended.contains(&None) || dribbled.is_none() {
        served.check();
        for ((what, stream, _, answer), end) in slow.iter_mut().zip(&mut ended) {
            stream.set_nonblocking(true).unwrap();
            let mut read = [0; 512];
            match stream.read(&mut read) {
                Ok(0) => *end = end.or(Some(started.elapsed())),
                Ok(some) => {
                    assert!(!answer.is_empty() && read[..some].starts_with(answer.as_bytes()), "{what}");
                    *end = Some(started.elapsed());
                }
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "{what}"),
            }
        }
        if dribbled.is_none() && (is_closed(&mut dribble) || dribble.write_all(b"a").is_err()) {
            dribbled = Some(started.elapsed());
        }
        assert!(started.elapsed() < Duration::from_secs(40), "{ended:?} {dribbled:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    for ((what, _, limit, _), end) in slow.iter().zip(ended) {
        let end = end.unwrap().as_secs_f64();
        assert!(end >= f64::from(*limit) - 0.1 && end < f64::from(*limit) + 8.0, "{what}: {end} s");
    }
    assert!(dribbled.unwrap() >= Duration::from_millis(9_900), "{dribbled:?}");
}

#[test]
fn connections_that_send_nothing_make_room_for_those_that_do() {
    let count = if long() { 5_000 } else { 1_500 };
    raise_files();
    let served = Served::with(&[]);
    served.check();
    let before = served.resident();
    let mut silent: Vec<TcpStream> = (0..count).map(|_| served.connect()).collect();
    let [middle, p99] = latencies(&served, 100);
    let after = served.resident();
    println!(
        "{count} silent connections: {before} MiB before, {after} MiB after; good requests {middle:.1?}, p99 {p99:.1?}"
    );
    assert!(after < before + 48, "{before} MiB grew to {after} MiB");
    let closed = silent.iter_mut().map(is_closed).collect::<Vec<_>>();
    let gone = closed.iter().filter(|closed| **closed).count();
    assert!(gone >= count - 1024, "{gone} of {count} were closed");
    let (first, last) = (&closed[..100], &closed[count - 100..]);
    assert!(first.iter().all(|closed| *closed) && last.iter().all(|closed| !closed), "oldest first");
}

#[test]
fn slow_senders_do_not_slow_the_others_down() {
    let (count, requests) = if long() { (2_000, 1_000) } else { (300, 100) };
    raise_files();
    let served = Served::with(&[]);
    let quiet = latencies(&served, requests);
    let before = served.resident();
    let stop = Arc::new(AtomicBool::new(false));
    let attack = slow_senders(served.address, count, &stop);
    // Until they are there, and some of them have been closed for it.
    std::thread::sleep(Duration::from_millis(if long() { 15_000 } else { 0 }));
    let busy = latencies(&served, requests);
    let after = served.resident();
    stop.store(true, Ordering::Relaxed);
    let again = attack.join().unwrap();
    println!(
        "{count} slow senders, of which {again} came again: good requests {quiet:.1?} before, {busy:.1?} then; {before} MiB before, {after} MiB then"
    );
    assert!(after < before + 64, "{before} MiB grew to {after} MiB");
    if long() {
        assert!(busy[1] <= quiet[1] * 3, "p99 {:?} is more than three times {:?}", busy[1], quiet[1]);
    }
}

#[test]
fn who_asks_and_never_reads_is_not_answered_without_end() {
    let served = Served::with(&[]);
    served.check();
    let before = served.resident();
    let asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    let mut deaf: Vec<_> = (0..4).map(|_| served.connect()).collect();
    for stream in &mut deaf {
        stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        let taken = (0..2000).take_while(|_| stream.write_all(&asked).is_ok()).count();
        assert!(taken < 2000, "it goes on taking what it cannot answer");
        served.check();
    }
    let after = served.resident();
    assert!(after < before + 16, "{before} MiB grew to {after} MiB");
}

#[test]
fn a_stop_waits_for_a_delivery_that_is_on_its_way() {
    let mut served = Served::with(&[]);
    let bytes = signed().bytes();
    let (first, last) = bytes.split_at(bytes.len() - 50);
    let mut stream = served.connect();
    stream.write_all(first).unwrap();
    // Answered on another connection: by then the first is in its body.
    served.check();
    let pid = rustix::process::Pid::from_child(&served.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let started = Instant::now();
    while TcpStream::connect(served.address).is_ok() {
        assert!(started.elapsed() < Duration::from_secs(9), "it goes on listening");
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(last).unwrap();
    assert!(rest(stream).starts_with("HTTP/1.1 204 "));
    assert!(served.child.wait().unwrap().success());
}

#[test]
fn a_stop_waits_for_no_one_that_asks_nothing() {
    let mut served = Served::with(&[]);
    let mut idle: Vec<TcpStream> = (0..20).map(|_| served.connect()).collect();
    for stream in &mut idle[10..] {
        stream.write_all(b"POST /webhook HT").unwrap();
    }
    served.check();
    let started = Instant::now();
    let pid = rustix::process::Pid::from_child(&served.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(served.child.wait().unwrap().success());
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(std::fs::read_dir(served.dir.path()).unwrap().count() > 0);
}
