//! Who it is that sends, and who may.

use super::*;

#[test]
fn only_senders_that_are_named_are_let_in_and_the_others_are_shown() {
    let mut served =
        Served::with(&["--trust-proxy", "127.0.0.1", "--allow", "198.51.100.0/24", "--allow", "svix"]);
    let from = |header: &str| signed().header(header).closing().bytes();
    for good in
        ["X-Forwarded-For: 203.0.113.9, 198.51.100.4", "Forwarded: for=\"44.228.126.217:443\";proto=https"]
    {
        assert!(served.say(&from(good)).starts_with("HTTP/1.1 204 "), "{good}");
    }
    for bad in ["X-Forwarded-For: 198.51.100.4, 203.0.113.9", "Forwarded: for=unknown", "X-Nothing: 1"] {
        let said = served.say(&from(bad));
        assert!(said.starts_with("HTTP/1.1 403 ") && said.ends_with("\r\n\r\n"), "{bad}: {said}");
        assert!(said.contains("content-length: 0"), "{said}");
    }
    let line = served.line_with("\"refused\"");
    assert!(line.contains("sender_not_allowed") && line.contains("\"203.0.113.9\""), "{line}");
    assert!(line.contains("--allow"), "{line}");
    let line = served.line_with("\"refused\"");
    assert!(line.contains("\"127.0.0.1\"") && line.contains("--trust-proxy"), "{line}");
    for (path, status) in [("/healthz", "200"), ("/elsewhere", "404"), ("/webhook", "403")] {
        let said =
            served.say(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(said.get(9..12), Some(status), "{path}");
    }
}

#[test]
fn without_a_trusted_proxy_its_word_is_worth_nothing() {
    let mut served = Served::with(&[]);
    let unsigned =
        "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.4\r\nContent-Length: 0\r\n\r\n";
    assert!(served.say(unsigned.as_bytes()).starts_with("HTTP/1.1 401 "));
    assert!(served.line_with("\"refused\"").contains("\"peer\":\"127.0.0.1:"));
}

#[test]
fn a_port_open_to_others_without_tls_is_warned_about_once() {
    let mut served = Served::with(&["--listen", "0.0.0.0:0"]);
    served.address.set_ip([127, 0, 0, 1].into());
    let line = served.line_with("notice");
    assert!(line.contains("without TLS") && line.contains("--tls-cert"), "{line}");
    served.check();
}

#[test]
fn a_wrong_network_is_named() {
    for args in [["--allow", "10.0.0.0/99"], ["--trust-proxy", "proxy.example.com"], ["--tls-cert", "c.pem"]]
    {
        let done = Command::new(env!("CARGO_BIN_EXE_invigil"))
            .args(["serve", "--secret", SECRET])
            .args(args)
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(2));
        assert!(String::from_utf8(done.stderr).unwrap().contains(args[0]));
    }
}
