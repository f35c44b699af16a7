//! What is no request, or a wrong one: each is answered as it deserves, and the next good one as ever.

use super::*;

/// The status of each answer that came.
fn statuses(said: &str) -> Vec<&str> {
    said.match_indices("HTTP/1.").filter_map(|(at, _)| said.get(at + 9..at + 12)).collect()
}

#[test]
fn good_requests_in_every_dress_are_answered() {
    let served = Served::with(&[]);
    let pipelined = [signed().bytes(), signed().chunked(100).bytes(), signed().closing().bytes()].concat();
    assert_eq!(statuses(&served.say(&pipelined)), ["204", "204", "204"]);
    let old = served.say(&signed().line("POST /webhook HTTP/1.0").bytes());
    assert!(old.starts_with("HTTP/1.0 204 ") || old.starts_with("HTTP/1.1 204 "), "{old}");
    assert_eq!(statuses(&served.say(&signed().chunked(1).closing().bytes())), ["204"], "byte by byte");
    let mut stream = served.connect();
    for piece in signed().closing().bytes().chunks(37) {
        stream.write_all(piece).unwrap();
    }
    assert_eq!(statuses(&rest(stream)), ["204"], "in small pieces");
    let said = served.say(&signed().bytes());
    assert_eq!(statuses(&said), ["204"], "who has closed its side is answered");
}

#[test]
fn what_is_no_request_is_refused_and_hurts_nobody() {
    let mut served = Served::with(&["--max-body", "64KiB"]);
    let huge = format!("X-Huge: {}", "a".repeat(200_000));
    let many = (0..200).fold(signed(), |request, n| request.header(format!("X-{n}: a")));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(70_000));
    let chunks = |body: &str| signed().with_body(body).header("Transfer-Encoding: chunked").bytes();
    let length = |text: &str| signed().header(format!("Content-Length: {text}")).bytes();
    let cut = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() - 10);
        bytes
    };
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("garbage", b"\x00\xff\xfe\r\n\r\n".to_vec(), &["400"]),
        ("words", b"hello there\r\n\r\n".to_vec(), &["400"]),
        ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), &["400"]),
        ("HTTP/3.0", signed().line("POST /webhook HTTP/3.0").bytes(), &["400"]),
        ("a huge header", signed().header(huge).bytes(), &["431"]),
        ("many headers", many.bytes(), &["431"]),
        ("a long path", long.into_bytes(), &["431"]),
        ("a header without a name", signed().header(": x").bytes(), &["400"]),
        ("a length that is none", length("ten"), &["400"]),
        ("a negative length", length("-1"), &["400"]),
        ("two lengths", signed().header("Content-Length: 5").header("Content-Length: 6").bytes(), &["400"]),
        ("a length too long", cut(signed().bytes()), &["400"]),
        ("a length too short", length("5"), &["401", "400"]),
        ("an announced flood", length("999999999999"), &["413"]),
        ("a chunk size that is none", chunks("zz\r\nabc\r\n0\r\n\r\n"), &["400"]),
        ("a chunk size past all bounds", chunks("fffffffffffffffff\r\nabc\r\n0\r\n\r\n"), &["400"]),
        ("a chunk longer than it says", chunks("3\r\nabcdef\r\n0\r\n\r\n"), &["400"]),
        ("chunks that do not end", cut(signed().chunked(100).bytes()), &["400"]),
        ("chunks in HTTP/1.0", signed().line("POST /webhook HTTP/1.0").chunked(9).bytes(), &["400"]),
        ("a coding that is none", signed().header("Transfer-Encoding: gzip").bytes(), &["400"]),
        ("a flood of chunks", signed().with_body(vec![b'a'; 3 << 20]).chunked(4096).bytes(), &["413"]),
        ("nothing", Vec::new(), &[]),
    ];
    for (what, bytes, expected) in cases {
        let said = served.say(&bytes);
        assert_eq!(statuses(&said), expected, "{what}: {said}");
        served.check();
    }
    assert!(served.line_with("--tls-cert").contains("notice"), "who speaks TLS to it is told of");
    let large = served.line_with("too large, answered 413");
    assert!(large.contains("--max-body"), "{large}");
}

#[test]
fn a_request_that_hides_another_one_is_the_last() {
    let served = Served::with(&[]);
    let hidden = signed().bytes();
    for order in [["Content-Length: 4", ""], ["", "Content-Length: 4"]] {
        let mut request = signed();
        request
            .headers
            .extend(order.first().filter(|header| !header.is_empty()).map(|text| (*text).to_owned()));
        let mut request = request.chunked(1000);
        request
            .headers
            .extend(order.get(1).filter(|header| !header.is_empty()).map(|text| (*text).to_owned()));
        let said = served.say(&[request.bytes(), hidden.clone()].concat());
        assert_eq!(statuses(&said), ["204"], "one answer, then it is closed: {said}");
    }
}

#[test]
fn http_2_is_told_to_come_again_with_http_1() {
    let served = Served::with(&[]);
    let said = served.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    let (settings, goaway) = said.as_bytes().split_at(9);
    assert_eq!(settings, b"\0\0\0\x04\0\0\0\0\0", "empty settings");
    assert_eq!(goaway, b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0d", "HTTP_1_1_REQUIRED");
    served.check();
}

#[test]
fn a_peer_that_is_gone_in_the_middle_leaves_nothing_behind() {
    let served = Served::with(&[]);
    for end in [1, 40, 200, 800] {
        let bytes = signed().bytes();
        for _ in 0..20 {
            served.connect().write_all(&bytes[..end]).unwrap();
        }
    }
    served.check();
}
