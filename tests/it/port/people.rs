//! Who it is that sends, and who may.

use super::super::support::command::run;
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
    assert!(!line.contains("may write"), "{line}");
    served.check();
    let mut open = Served::with(&["--listen", "0.0.0.0:0", "--no-verify"]);
    let line = open.line_with("notice");
    assert!(line.contains("whoever does may write events"), "{line}");
}

#[test]
fn a_wrong_network_is_named() {
    for args in [["--allow", "10.0.0.0/99"], ["--trust-proxy", "proxy.example.com"], ["--tls-cert", "c.pem"]]
    {
        let home = tempfile::tempdir().unwrap();
        let ended = run(&[&["serve", "--secret", SECRET], &args[..]].concat(), home.path(), "");
        assert_eq!(ended.code, 2);
        assert!(ended.err.contains(args[0]), "{}", ended.err);
    }
}

/// Two addresses that are not loopback's, in a network of its own: the kernel gives one to root alone.
#[cfg(target_os = "linux")]
const APART: &str =
    "ip link set lo up && ip addr add 198.51.100.7/32 dev lo && ip addr add 198.51.100.8/32 dev lo";

/// With so few files it takes 72 connections, 36 of them from one address.
#[cfg(target_os = "linux")]
const FEW_FILES: &str = r#"ulimit -n 400 && exec "$0" "$@""#;

/// Opens 60 connections from one address, tells which of the first 24 are closed and which of the last 8 are not, and
/// then how a good request (`$1`) is answered that comes from that address, and one (`$2`) from another.
#[cfg(target_os = "linux")]
const CROWD: &str = r#"
for n in {1..60}; do exec {fd}<>"/dev/tcp/198.51.100.7/$PORT"; line[n]=$fd; done
closed=0; open=0
for n in {1..24}; do read -rt 20 -N 1 -u "${line[n]}"; [ $? = 1 ] && closed=$((closed + 1)); done
for n in {53..60}; do read -rt 0.05 -N 1 -u "${line[n]}"; [ $? -gt 128 ] && open=$((open + 1)); done
echo "closed $closed open $open"
for from in 7 8; do
    exec {fd}<>"/dev/tcp/198.51.100.$from/$PORT"
    cat "$1" >&"$fd"; shift
    read -rt 20 -u "$fd" status; echo "$status"
done
"#;

#[cfg(target_os = "linux")]
#[test]
fn one_address_leaves_room_to_the_others() {
    let apart = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-n", "bash", "-c", &format!("{APART} && {script}")]);
        command
    };
    if !apart("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        return;
    }
    let mut command = apart(FEW_FILES);
    command.arg(env!("CARGO_BIN_EXE_invigil"));
    let served = Served::run_by(command, &["--listen", "0.0.0.0:0"]);
    let requests = ["7", "8"].map(|name| served.dir.path().join(name));
    for file in &requests {
        std::fs::write(file, signed().bytes()).unwrap();
    }
    let crowd = Command::new("nsenter")
        .args(["-n", "-t", &served.child.id().to_string(), "bash", "-c", CROWD, "crowd"])
        .args(&requests)
        .env("PORT", served.address.port().to_string())
        .output()
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&crowd.stdout), String::from_utf8_lossy(&crowd.stderr));
    let lines: Vec<_> = said.lines().map(str::trim_end).collect();
    assert_eq!(lines, ["closed 24 open 8", "HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content"], "{errors}");
}
