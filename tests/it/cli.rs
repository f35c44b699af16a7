//! The command line as scripts meet it: exit codes, one line that names what is wrong, files left alone.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use invigil::cli::args::Cli;
use invigil::domain::delivery::Source;

use super::keeping::{Keeper, midnight};
use super::support::SECRET;
use super::support::command::{invigil, run, run_with};

/// How a command ended.
/// A session file of three events, closed.
fn session(path: &Path) {
    let keeper = Keeper::at(path);
    let sample = include_str!("../../assets/samples/candidate.completed.json");
    keeper.take("msg_1", midnight(), Source::Http, sample.as_bytes());
    keeper.take("msg_2", midnight(), Source::Http, sample.replace("Bea", "=Ada").as_bytes());
    keeper.take("msg_3", midnight(), Source::Http, b"no json");
}

#[test]
fn a_wrong_command_line_is_named_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("unknown.toml"), "lisen = \"127.0.0.1:1\"").unwrap();
    std::fs::write(dir.path().join("action.toml"), "[keys.everywhere]\nj = \"dwon\"").unwrap();
    std::fs::write(dir.path().join("clash.toml"), "[keys.everywhere]\n\"g g\" = \"first\"").unwrap();
    std::fs::write(dir.path().join("twice.toml"), "[keys.everywhere]\nj = \"up\"\nj = \"down\"").unwrap();
    std::fs::write(dir.path().join("alert.toml"), "alerts = [\"tab_swich >= 3\"]").unwrap();
    std::fs::write(dir.path().join("relay.toml"), "relay = \"a b\"").unwrap();
    std::fs::write(dir.path().join("value.toml"), "max_body = \"2TB\"").unwrap();
    std::fs::write(dir.path().join("list.toml"), "listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]").unwrap();
    std::fs::write(dir.path().join("theme.toml"), "theme = \"pink\"").unwrap();
    let cases: [(&[&str], &str); 34] = [
        (&["serve"], "--secret: is missing"),
        (&["serve", "--secret", "v1,abc"], "begins with `v1,`"),
        (&["serve", "--secret", "whpk_abc"], "begins with `whpk_`"),
        (&["serve", "--secret", "whsec_ab cd"], "has a blank inside"),
        (&["serve", "--secret", SECRET, "--listen", "nowhere"], "--listen"),
        (
            &["serve", "--secret", SECRET, "--listen", "localhost:80"],
            "an IP address and a port, like 127.0.0.1:80",
        ),
        (&["serve", "--secret", SECRET, "--listen", "22013"], "like 127.0.0.1:22013"),
        (&["serve", "--secret", SECRET, "--path", "/a\tb"], "must begin with `/`"),
        (&["config", "--config", "theme.toml"], "config theme.toml, key `theme`: pink: There are dark"),
        (&["serve", "--secret", SECRET, "--lisen", "x"], "'--listen'"),
        (&["serve", "--secret", SECRET, "--path", "x"], "'--path <PATH>': must begin with `/`"),
        (
            &["serve", "--secret", SECRET, "--forward-to", "http://127.0.0.1:99999/"],
            "names a port that cannot be",
        ),
        (
            &["serve", "--secret", SECRET, "--forward-to", "http://localhost:8080/webhook"],
            "--forward-to http://localhost:8080/webhook: is this listener itself",
        ),
        (&["serve", "--secret", SECRET, "--tolerance", "5w"], "5w"),
        (&["serve", "--secret-file", "none.txt"], "--secret-file none.txt: cannot be read"),
        (&["serve", "--secret", SECRET, "--config", "unknown.toml"], "did you mean `listen`?"),
        (&["serve", "--secret", SECRET, "--relay", "a/b"], "'--relay [<TOKEN>]': a token is letters"),
        (
            &["serve", "--secret", SECRET, "--relay-url", "http://x"],
            "'--relay-url <URL>': `http://x` must begin with",
        ),
        (&["serve", "--secret", SECRET, "--config", "relay.toml"], "key `relay`: a token is letters"),
        (&["--relay", "serve"], "is a command; write `invigil serve --relay`"),
        (
            &["serve", "--secret", SECRET, "--config", "value.toml"],
            "config value.toml, key `max_body`: `2TB` is",
        ),
        (&["config", "--config", "list.toml"], "key `listen`: must be one value"),
        (&["--listen", "127.0.0.1:0", "serve"], "--listen: stands before the command"),
        (&["config", "--secret", "whsec_ab cd"], "has a blank inside"),
        (&["watch", "--config", "action.toml"], "did you mean `down`?"),
        (&["watch", "--config", "clash.toml"], "key `keys`"),
        (&["watch", "--config", "twice.toml"], "line 3"),
        (&["watch", "--config", "alert.toml"], "did you mean `tab_switch`?"),
        (&["watch", "--secret", SECRET], "there is no terminal"),
        (&["demo"], "there is no terminal"),
        (&["export", "none.sqlite"], "none.sqlite: cannot be read"),
        (&["export", "none.sqlite", "--filter", "statsu:x"], "did you mean `status`?"),
        (&["verify"], "--secret: is missing"),
        (&["simulate", "--to", "nowhere", "--secret", SECRET], "--to"),
    ];
    for (args, part) in cases {
        let ended = run(args, dir.path(), "");
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.err);
        assert!(ended.err.contains(part), "{args:?}: {}", ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{args:?}: {}", ended.err);
        assert!(!ended.err.contains("LaLaSw"), "no secret is echoed");
    }
}

/// Who wrote it in one place looks for it there.
#[test]
fn a_wrong_value_is_named_where_it_stands() {
    type Pairs<'a> = &'a [(&'a str, &'a str)];
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    file("secret.toml", "secret = \"whsec_abc\"\nlisten = \"127.0.0.1:0\"");
    file("missing.toml", "secret_file = \"none.txt\"");
    file("tls.toml", "tls_cert = \"none.pem\"");
    file("open.toml", "control = \"0.0.0.0:7070\"");
    let cases: [(Pairs, &[&str], &str); 16] = [
        (&[("INVIGIL_LISTEN", "nowhere")], &[], "invalid value 'nowhere' for INVIGIL_LISTEN: must be"),
        (&[("INVIGIL_LISTEN", "nowhere")], &["--listen", "no"], "invalid value 'no' for '--listen <ADDR>'"),
        (&[("INVIGIL_NO_VERIFY", "maybe")], &[], "'maybe' for INVIGIL_NO_VERIFY: write true or false"),
        (&[("INVIGIL_RELAY", "a/b")], &[], "INVIGIL_RELAY: a token is letters"),
        (&[("INVIGIL_TRUST_PROXY", "127.0.0.1,x")], &[], "'x' for INVIGIL_TRUST_PROXY"),
        (&[("INVIGIL_SECRET", "whsec_abc")], &[], "INVIGIL_SECRET: the secret has 2 bytes"),
        (&[("INVIGIL_SECRET", "whsec_abc")], &["--secret", "whsec_def"], "--secret: the secret has 2 bytes"),
        (&[("INVIGIL_SECRET_FILE", "none.txt")], &[], "INVIGIL_SECRET_FILE=none.txt: cannot be read"),
        (&[("INVIGIL_CONFIG", "none.toml")], &[], "INVIGIL_CONFIG=none.toml: cannot be read"),
        (&[("INVIGIL_TLS_KEY", "k.pem")], &["--secret", SECRET], "INVIGIL_TLS_KEY: needs --tls-cert"),
        (
            &[("INVIGIL_CONTROL", "0.0.0.0:7070")],
            &["--secret", SECRET],
            "INVIGIL_CONTROL=0.0.0.0:7070: others",
        ),
        (
            &[("INVIGIL_CONFIG", "secret.toml")],
            &[],
            "config secret.toml, key `secret`: the secret has 2 bytes",
        ),
        (
            &[],
            &["--config", "missing.toml"],
            "config missing.toml, key `secret_file`: none.txt: cannot be read",
        ),
        (
            &[],
            &["--config", "missing.toml", "--secret-file", "no.txt"],
            "--secret-file no.txt: cannot be read",
        ),
        (
            &[],
            &["--config", "tls.toml", "--secret", SECRET],
            "config tls.toml, key `tls_cert`: needs --tls-key",
        ),
        (
            &[],
            &["--config", "open.toml", "--secret", SECRET],
            "config open.toml, key `control`: 0.0.0.0:7070: others",
        ),
    ];
    for (variables, args, part) in cases {
        let args = [&["serve"], args].concat();
        let ended = run_with(&args, dir.path(), "", variables);
        assert_eq!(ended.code, 2, "{variables:?} {args:?}: {}", ended.err);
        assert!(ended.err.contains(part), "{variables:?} {args:?}: {}", ended.err);
        assert_eq!(ended.err.trim_end().lines().count(), 1, "{variables:?} {args:?}: {}", ended.err);
    }
    let ended =
        run_with(&["attach", "ws://127.0.0.1:9"], dir.path(), "", &[("INVIGIL_CONTROL_TOKEN", "a b")]);
    assert!(ended.err.contains("INVIGIL_CONTROL_TOKEN: "), "{}", ended.err);
}

#[test]
fn a_file_that_is_no_session_is_told_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let good = dir.path().join("good.sqlite");
    session(&good);
    let bytes = std::fs::read(&good).unwrap();
    std::fs::write(dir.path().join("text.sqlite"), "hello").unwrap();
    std::fs::write(dir.path().join("cut.sqlite"), &bytes[..bytes.len() / 2]).unwrap();
    let mut newer = bytes.clone();
    newer[60..64].copy_from_slice(&99u32.to_be_bytes());
    std::fs::write(dir.path().join("newer.sqlite"), newer).unwrap();
    let mut other = bytes;
    other[68..72].copy_from_slice(&7u32.to_be_bytes());
    std::fs::write(dir.path().join("other.sqlite"), other).unwrap();
    std::fs::create_dir(dir.path().join("dir.sqlite")).unwrap();
    let names = || {
        let mut names: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let cases = [
        ("text.sqlite", "is no session"),
        ("cut.sqlite", "is cut off"),
        ("newer.sqlite", "newer invigil"),
        ("other.sqlite", "no session of invigil's"),
        ("dir.sqlite", "is no file"),
    ];
    for (file, part) in cases {
        let bytes = std::fs::read(dir.path().join(file)).unwrap_or_default();
        for args in [
            vec!["serve", "--listen", "127.0.0.1:0", "--secret", SECRET, "--session", file],
            vec!["export", file],
            vec!["open", file],
        ] {
            let ended = run(&args, dir.path(), "");
            assert_eq!(ended.code, 2, "{args:?}: {}", ended.err);
            assert!(ended.err.contains(part) && ended.err.contains(file), "{args:?}: {}", ended.err);
            assert_eq!(ended.err.trim_end().lines().count(), 1);
        }
        assert_eq!(std::fs::read(dir.path().join(file)).unwrap_or_default(), bytes, "{file} is untouched");
    }
    assert_eq!(names(), before, "nothing is left beside them");
}

#[test]
fn a_session_is_exported_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    session(&dir.path().join("s.sqlite"));
    let document: serde_json::Value =
        serde_json::from_str(&run(&["export", "s.sqlite"], dir.path(), "").out).unwrap();
    assert_eq!(document["totals"]["events"], 3);
    let lines =
        run(&["export", "s.sqlite", "--format", "ndjson", "--filter", "is:unrecognised"], dir.path(), "").out;
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains("\"body_base64\":\"bm8ganNvbg==\""));
    let lines = run(&["export", "s.sqlite", "--format", "ndjson"], dir.path(), "").out;
    assert_eq!(lines.lines().count(), 3, "payloads of many lines too");
    for line in lines.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    let table = run(&["export", "s.sqlite", "--format", "csv"], dir.path(), "").out;
    assert_eq!(table.lines().count(), 4);
    assert!(table.contains("\"'=Ada Grant\""), "no spreadsheet runs it: {table}");
    let redacted = run(&["export", "s.sqlite", "--redact"], dir.path(), "").out;
    for personal in ["Grant", "bea.grant", "203.0.113.209"] {
        assert!(!redacted.contains(personal), "{personal}");
    }
    let saved = run(&["export", "s.sqlite", "-o", "out.json"], dir.path(), "");
    assert_eq!((saved.code, saved.out.as_str()), (0, ""));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in ["out.json", "s.sqlite"] {
            let mode = std::fs::metadata(dir.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }
}

/// A slip of the hand costs no session; a link is written through, and a pipe stays one.
#[cfg(unix)]
#[test]
fn an_export_never_replaces_a_session() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["s.sqlite", "another.sqlite"] {
        session(&path(name));
    }
    let before = std::fs::read(path("s.sqlite")).unwrap();
    for out in ["s.sqlite", "./s.sqlite", "another.sqlite", "s.sqlite-wal", "s.sqlite-shm", "s.sqlite-lock"] {
        let ended = run(&["export", "s.sqlite", "-o", out], dir.path(), "");
        assert!(ended.code == 1 && ended.err.contains("belongs to a session"), "{out}: {}", ended.err);
    }
    assert_eq!(std::fs::read(path("s.sqlite")).unwrap(), before);
    std::fs::write(path("far.json"), "old").unwrap();
    std::os::unix::fs::symlink("far.json", path("link.json")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let pipe = path("pipe");
    let reading = std::thread::spawn(move || std::fs::read_to_string(pipe).unwrap());
    for out in ["link.json", "pipe"] {
        let ended = run(&["export", "s.sqlite", "-o", out], dir.path(), "");
        assert_eq!(ended.code, 0, "{out}: {}", ended.err);
    }
    assert!(reading.join().unwrap().contains("\"totals\""));
    assert!(std::fs::symlink_metadata(path("link.json")).unwrap().is_symlink());
    assert!(std::fs::read_to_string(path("far.json")).unwrap().contains("\"totals\""));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    session(&dir.path().join("s.sqlite"));
    for args in [vec!["export", "s.sqlite"], vec!["man"], vec!["completions", "bash"], vec!["--help"]] {
        let mut child = invigil(&args, dir.path()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// As bash calls it: the script, loaded, offers what belongs where the cursor is.
#[test]
fn a_shell_completes_commands_options_and_values() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a-file"), "").unwrap();
    let offered = |line: &str| {
        let script = format!(
            "source <({invigil} completions bash)
             COMP_WORDS=({line} '') COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
             _invigil invigil '' \"${{COMP_WORDS[COMP_CWORD - 1]}}\"
             echo \"${{COMPREPLY[*]}}\"",
            invigil = env!("CARGO_BIN_EXE_invigil"),
        );
        let done = Command::new("bash").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    };
    assert!(offered("invigil").contains("serve"));
    assert_eq!(offered("invigil export --format"), "json ndjson csv");
    assert_eq!(offered("invigil watch --theme"), "dark light contrast mono");
    assert_eq!(offered("invigil watch --session"), "a-file");
    assert!(offered("invigil man").contains("simulate"));
    assert_eq!(offered("invigil watch --tolerance"), "", "no file is a length of time");
}

#[test]
fn help_is_a_command_too() {
    let dir = tempfile::tempdir().unwrap();
    for (command, option) in [(&["help"][..], &["--help"][..]), (&["help", "verify"], &["verify", "--help"])]
    {
        let asked = run(command, dir.path(), "");
        assert_eq!((asked.code, &asked.out), (0, &run(option, dir.path(), "").out), "{command:?}");
        assert!(!asked.out.contains("[default: ]") && asked.out.contains("Usage: invigil"), "{}", asked.out);
    }
    let ended = run(&["help", "sreve"], dir.path(), "");
    assert!(ended.code == 2 && ended.err.contains("there is no such command"), "{}", ended.err);
}

/// A file of secrets may say what they are of.
#[test]
fn a_secret_file_may_have_comments() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("s.txt"), format!("# the old endpoint\n\n  # another\n{SECRET}\n"))
        .unwrap();
    let told = run(&["config", "--secret-file", "s.txt"], dir.path(), "").out;
    assert!(told.contains("# 1 secret, from --secret-file"), "{told}");
    std::fs::write(dir.path().join("s.txt"), "# nothing else\n").unwrap();
    assert!(run(&["config", "--secret-file", "s.txt"], dir.path(), "").err.contains("holds no secret"));
}

#[test]
fn verify_says_whether_a_signature_holds_and_why_not() {
    let dir = tempfile::tempdir().unwrap();
    let verify_at = |secret: &str, body: &str, at: &str| {
        let tag = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let args = [
            "verify",
            "--secret",
            secret,
            "--id",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "--timestamp",
            "1614265330",
            "--signature",
            tag,
            "--at",
            at,
        ];
        run(&args, dir.path(), body)
    };
    let verify = |secret: &str, body: &str| verify_at(secret, body, "1614265331");
    let good = verify(SECRET, "{\"test\": 2432232314}");
    assert_eq!(good.code, 0);
    assert!(good.out.contains("…LaSw") && good.out.contains("1 s before"), "{}", good.out);
    let respelt = verify(SECRET, "{\"test\":2432232314}");
    assert_eq!(respelt.code, 1);
    assert!(respelt.out.contains("re-serialised"), "{}", respelt.out);
    let old = verify_at(SECRET, "{\"test\": 2432232314}", "1714265331");
    assert_eq!(old.code, 1);
    for part in ["timestamp_too_old", "1157 days old", "signature  holds, under the secret ending in …LaSw"]
    {
        assert!(old.out.contains(part), "{part}: {}", old.out);
    }
    let altered = verify_at(SECRET, "{\"test\": 1}", "1714265331");
    assert!(altered.out.contains("does not hold either"), "{}", altered.out);
    let early = verify_at(SECRET, "{\"test\": 2432232314}", "1614265200");
    assert!(early.out.contains("130 s after it arrived"), "{}", early.out);
    let wrong = verify("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "{\"test\": 2432232314}");
    assert!(wrong.out.contains("secrets ending in …b7oD"), "{}", wrong.out);
    assert!(!wrong.out.contains("g0hM9"), "no signature is echoed");
}

#[test]
fn a_session_has_one_writer_and_any_number_of_readers() {
    let dir = tempfile::tempdir().unwrap();
    // Just begun: its tables may still stand in the log alone.
    let keeper = Keeper::at(&dir.path().join("s.sqlite"));
    let second = run(
        &["serve", "--secret", SECRET, "--listen", "127.0.0.1:0", "--session", "s.sqlite"],
        dir.path(),
        "",
    );
    assert_eq!(second.code, 2);
    assert!(second.err.contains("another invigil is writing this session"), "{}", second.err);
    assert_eq!(second.err.trim_end().lines().count(), 1);
    keeper.take("msg_1", midnight(), Source::Http, b"no json");
    assert!(run(&["export", "s.sqlite"], dir.path(), "").out.contains("msg_1"), "a reader sees what is kept");
}

/// A value for every option, as it stands in the config file; what is missing here fails the test that uses it.
const EVERY_OPTION: &str = r#"
listen = "127.0.0.2:9090"
tls_cert = "cert.pem"
tls_key = "key.pem"
trust_proxy = "127.0.0.1"
allow = ["svix", "192.0.2.0/24"]
path = "/hook"
secret = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
secret_file = "secrets.txt"
no_verify = true
tolerance = 90
retain = "90d"
max_body = "64k"
session = "rollout \"two\".sqlite"
relay = "c_0a1B2c3D4e"
relay_url = "ws://127.0.0.1:1/"
forward_to = "http://127.0.0.1:3000/hook"
ca_file = "cert.pem"
control = "127.0.0.2:9091"
control_token = "correct-horse"
control_token_file = "token.txt"
theme = "mono"
log_file = "happenings.log"
events = true
alerts = ["flag = red"]
alert_by = []

[keys.everywhere]
q = "none"
"#;

/// The files that those options name.
fn files_of_every_option(dir: &Path) {
    let pair = rcgen::generate_simple_self_signed(["hooks.example.com".to_owned()]).unwrap();
    let secrets = format!("{SECRET}\n");
    for (name, text) in [
        ("secrets.txt", secrets),
        ("token.txt", "battery-staple\n".to_owned()),
        ("cert.pem", pair.cert.pem()),
        ("key.pem", pair.signing_key.serialize_pem()),
    ] {
        std::fs::write(dir.join(name), text).unwrap();
    }
}

#[test]
fn config_says_what_holds_and_where_it_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let told = run(&["config"], dir.path(), "").out;
    assert!(told.contains("config.toml (there is none)"), "{told}");
    assert!(told.contains("\nlisten = \"127.0.0.1:8080\"  # default\n"), "{told}");
    assert!(told.contains("# session is not set: a new dated file"), "{told}");
    assert!(told.contains("# secret is not set\n"), "{told}");
    files_of_every_option(dir.path());
    std::fs::create_dir(dir.path().join("invigil")).unwrap();
    std::fs::write(dir.path().join("invigil/config.toml"), EVERY_OPTION).unwrap();
    let told = run(&["config", "--tolerance", "2m"], dir.path(), "").out;
    let line = |key: &str| {
        let is = |line: &&str| line.trim_start_matches("# ").starts_with(&format!("{key} "));
        told.lines().find(is).unwrap_or_else(|| panic!("no {key} in {told}"))
    };
    assert_eq!(line("tolerance"), "tolerance = \"2m\"  # from --tolerance");
    let options = invigil::cli::layers::options();
    for option in options.iter().map(|option| option.get_id().as_str()).filter(|id| *id != "tolerance") {
        assert!(
            line(option).contains("invigil/config.toml"),
            "{option} can stand in the config file: {told}"
        );
    }
    assert!(line("secret").starts_with("# secret is set (2 secrets, from "), "{told}");
    assert!(line("secret_file").contains("# 1 secret, from "), "{told}");
    for secret in ["LaLaSw", "b7oD", "c_0a1B2c3D4e", "correct-horse", "battery-staple"] {
        assert!(!told.contains(secret), "no secret is printed: {told}");
    }
}

#[test]
fn what_config_prints_is_a_config_file_that_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    files_of_every_option(dir.path());
    std::fs::write(dir.path().join("first.toml"), EVERY_OPTION).unwrap();
    let first = run(&["config", "--config", "first.toml"], dir.path(), "").out;
    std::fs::write(dir.path().join("second.toml"), &first).unwrap();
    let second = run(&["config", "--config", "second.toml"], dir.path(), "").out;
    let values = |text: &str| {
        let mut table: toml::Table = text.parse().unwrap();
        table.retain(|key, _| !["secret", "relay", "control_token"].contains(&key));
        table
    };
    assert_eq!(values(&first), values(&second));
    assert_eq!(values(&first)["session"].as_str(), Some("rollout \"two\".sqlite"));
    assert_eq!(values(&first).len(), values(EVERY_OPTION).len());
}

#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("c.toml"), "listen = \"127.0.0.1:1\"\nno_verify = true\n").unwrap();
    let told = |args: &[&str], variable: Option<&str>| {
        let mut variables = vec![("INVIGIL_CONFIG", "c.toml"), ("INVIGIL_NO_VERIFY", "no")];
        variables.extend(variable.map(|variable| ("INVIGIL_LISTEN", variable)));
        run_with(&[&["config"], args].concat(), dir.path(), "", &variables).out
    };
    let over = told(&[], None);
    assert!(over.contains("\nlisten = \"127.0.0.1:1\"  # from c.toml\n"), "{over}");
    assert!(over.contains("\nno_verify = false  # from INVIGIL_NO_VERIFY\n"), "{over}");
    let over = told(&[], Some("127.0.0.1:2"));
    assert!(over.contains("\nlisten = \"127.0.0.1:2\"  # from INVIGIL_LISTEN\n"), "{over}");
    let over = told(&["--listen", "127.0.0.1:3"], Some("127.0.0.1:2"));
    assert!(over.contains("\nlisten = \"127.0.0.1:3\"  # from --listen\n"), "{over}");
}

/// Each command has a page that its own options are in, and all pages name each other.
#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let ended = run(&["man", "--dir", "pages/man1"], dir.path(), "");
    assert_eq!((ended.code, ended.out.as_str()), (0, ""), "{}", ended.err);
    let mut cli = Cli::command();
    cli.build();
    let page = |name: &str| std::fs::read_to_string(dir.path().join("pages/man1").join(name)).unwrap();
    for command in cli.get_subcommands() {
        let name = command.get_name();
        let text = page(&format!("invigil-{name}.1"));
        assert_eq!(run(&["man", name], dir.path(), "").out, text);
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            let spelt = format!("\\-\\-{}", option.replace('-', "\\-"));
            assert!(text.contains(&spelt), "{name}: {spelt} is not in {text}");
        }
        for variable in command.get_arguments().filter_map(clap::Arg::get_env) {
            assert!(text.contains(variable.to_str().unwrap()), "{name}: {variable:?} is not in {text}");
        }
        assert!(!text.contains("[default: ]"), "{text}");
        assert!(text.contains("invigil(1)") && text.contains(".SH \"EXIT STATUS\""), "{text}");
    }
    assert!(page("invigil-check.1").contains("is not sound"));
    assert!(page("invigil-verify.1").contains("signature does not hold"));
    let whole = page("invigil.1");
    let (_, examples) = whole.split_once(".SH EXAMPLES").unwrap();
    for line in examples.lines().take_while(|line| *line != ".fi") {
        assert!(line.replace('\\', "").len() <= 73, "a terminal of 80 columns breaks {line}");
    }
    assert_eq!(run(&["man"], dir.path(), "").out, whole);
    assert!(whole.contains("invigil\\-serve(1)") && whole.contains("invigil demo"), "{whole}");
    assert!(whole.contains(".SH EXAMPLES") && !whole.contains("EXTRA"), "{whole}");
    let count = std::fs::read_dir(dir.path().join("pages/man1")).unwrap().count();
    assert_eq!(count, 1 + cli.get_subcommands().count());
    let ended = run(&["man", "sreve"], dir.path(), "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("no such command; there are watch, serve"), "{}", ended.err);
}
