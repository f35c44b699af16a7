//! A secret is in the file or variable the user keeps it in, and nowhere else: the real binary is run in every way
//! there is, and all that it says and writes is searched.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::pty::{SAMPLE, post, post_with};
use super::support::SECRET;
use super::support::command::{self, Ended, finish};
use super::support::terminal::Terminal;

/// The ways in which a secret could be written: as it is given, as the key it encodes, and encoded again.
fn spellings() -> Vec<Vec<u8>> {
    let text = SECRET.strip_prefix("whsec_").unwrap();
    let key = STANDARD.decode(text).unwrap();
    let hex = key.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let mut spellings = vec![key.clone(), hex.to_uppercase().into_bytes(), hex.into_bytes()];
    // The last four characters are shown, to tell secrets apart; no more than that.
    spellings.push(text.get(..12).unwrap().into());
    spellings.push(text.get(text.len() - 8..).unwrap().into());
    let again =
        [STANDARD.encode(SECRET), STANDARD.encode(text), URL_SAFE_NO_PAD.encode(&key), format!("{key:?}")];
    spellings.extend(again.map(|text| text.get(..16).unwrap().as_bytes().to_vec()));
    spellings
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for spelling in spellings() {
        let found = bytes.windows(spelling.len()).position(|window| window == spelling);
        assert!(
            found.is_none(),
            "{what} holds the secret at byte {found:?}: {}",
            String::from_utf8_lossy(bytes)
        );
    }
}

/// Every file and directory below.
fn below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

fn invigil(args: &[&str], home: &Path) -> Command {
    let mut command = command::invigil(args, home);
    command.env("RUST_BACKTRACE", "full");
    command
}

/// Runs a command to its end and searches what it says.
fn searched(command: Command, input: &[u8]) -> (i32, String) {
    let name = format!("{command:?}").replace(SECRET, "SECRET");
    let Ended { code, out, err } = finish(command, input);
    let said = out + &err;
    assert_clean(&name, said.as_bytes());
    (code, said)
}

/// A `serve` that listens; the address comes with it.
fn serve(mut command: Command) -> (Child, String, BufReader<std::process::ChildStdout>) {
    let mut child = command.spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line:?}"));
    let address = address.split('/').next().unwrap().to_owned();
    (child, address, out)
}

fn end(child: &Child) {
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
}

/// Deliveries that hold, that do not, and that are explained.
fn deliver(address: &str) {
    assert_eq!(post(address, "msg_1", SAMPLE), "HTTP/1.1 204 No Content");
    assert_eq!(post(address, "msg_2", "no json"), "HTTP/1.1 204 No Content");
    let now = invigil::clock::now().secs().to_string();
    for signature in ["v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "v1a,x", "nonsense", SECRET] {
        let headers = [("svix-id", "msg_3"), ("svix-timestamp", now.as_str()), ("svix-signature", signature)];
        assert_eq!(post_with(address, &headers, "{}"), "HTTP/1.1 401 Unauthorized");
    }
}

#[test]
fn a_service_tells_its_secret_to_nobody() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--session", "s.sqlite", "--log-file", "log.jsonl"];
    let mut command = invigil(&args, home.path());
    command.env("INVIGIL_SECRET", SECRET);
    let (mut child, address, mut out) = serve(command);
    deliver(&address);
    if cfg!(target_os = "linux") {
        // What everybody on the machine may read.
        let seen = PathBuf::from(format!("/proc/{}", child.id()));
        let mut files = vec![seen.join("cmdline"), seen.join("comm")];
        let threads = std::fs::read_dir(seen.join("task")).unwrap();
        files.extend(threads.map(|thread| thread.unwrap().path().join("comm")));
        assert!(files.len() > 3, "its threads are there");
        for file in files {
            assert_clean(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default());
        }
        let limits = std::fs::read_to_string(seen.join("limits")).unwrap();
        let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(cores.split_whitespace().nth(4), Some("0"), "no core dump: {cores}");
    }
    end(&child);
    let mut said = Vec::new();
    std::io::Read::read_to_end(&mut out, &mut said).unwrap();
    std::io::Read::read_to_end(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert_clean("serve", &said);
    for format in ["json", "ndjson", "csv"] {
        searched(invigil(&["export", "s.sqlite", "--format", format, "-o", "out"], home.path()), b"");
    }
    for path in below(home.path()).into_iter().filter(|path| path.is_file()) {
        let mut bytes = std::fs::read(&path).unwrap();
        if path.ends_with("s.sqlite") {
            // A refused signature that is the secret is in no file either; the headers that are kept are packed.
            bytes.extend(searched(invigil(&["export", "s.sqlite"], home.path()), b"").1.into_bytes());
        }
        assert_clean(&path.display().to_string(), &bytes);
    }
}

/// Typed, mistyped, pasted; shown on every level; saved.
#[test]
fn a_screen_shows_its_secret_to_nobody() {
    let home = tempfile::tempdir().unwrap();
    let args = ["--listen", "127.0.0.1:0", "--session", "s.sqlite", "--log-file", "log.jsonl"];
    let mut terminal = Terminal::start(&args, home.path());
    terminal.expect("The endpoint's secret");
    terminal.press(&format!("{SECRET}!\r"));
    terminal.expect("no base64");
    terminal.press(&format!("\u{15}\u{1b}[200~{SECRET}\u{1b}[201~\r"));
    terminal.expect("The secret is in use");
    deliver(&terminal.address());
    for (keys, seen) in [
        ("2", "Bea Grant"),
        ("\r", "oldest first"),
        ("\r", "Payload"),
        ("H", "svix-signature"),
        ("yc", "Copied a curl"),
        ("hhh", "Violations"),
        ("4G\r", "efused"),
        ("h", "Violations"),
        ("s\u{15}out.json\r", "Saved 2 events"),
    ] {
        terminal.press(keys);
        terminal.expect(seen);
    }
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
    assert_clean("the screen", terminal.sent().as_bytes());
    for path in below(home.path()).into_iter().filter(|path| path.is_file()) {
        assert_clean(&path.display().to_string(), &std::fs::read(&path).unwrap());
    }
}

#[test]
fn no_wrong_config_file_quotes_a_secret() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    let configs = [
        format!("secret = \"{SECRET}"),
        format!("secret = [\"{SECRET}\", {{}}]"),
        format!("secret = \"{SECRET}!\""),
        format!("secret = {SECRET}"),
        format!("secrets = \"{SECRET}\""),
        format!("{SECRET} = 1"),
        format!("listen = \"{SECRET}\""),
        format!("relay = \"{SECRET}\""),
        format!("theme = \"{SECRET}\"\nalerts = [\"{SECRET}\"]"),
        format!("alert_by = \"{SECRET}\""),
        format!("[keys.everywhere]\n\"{SECRET}\" = \"{SECRET}\""),
    ];
    for (n, text) in configs.iter().enumerate() {
        let name = format!("{n}.toml");
        file(&name, text);
        let (code, said) = searched(invigil(&["serve", "--no-verify", "--config", &name], home.path()), b"");
        assert_eq!((code, said.lines().count()), (2, 1), "{n}: {said}");
    }
}

#[test]
fn no_wrong_command_line_quotes_a_secret() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("secret.txt"), format!("{SECRET}\nwhsec_short\n")).unwrap();
    let cut = SECRET.get(..SECRET.len() - 20).unwrap();
    let odd = format!("{SECRET}!");
    let two = format!("{SECRET} {SECRET}");
    let pair = format!("--secert={SECRET}");
    let wrong: [&[&str]; 22] = [
        &["serve", "--secret", cut],
        &["serve", "--secret", &odd],
        &["serve", "--secret", &two],
        &["serve", "--secret-file", "secret.txt"],
        &["serve", "--secret-file", SECRET],
        &["serve", SECRET],
        &[SECRET],
        &["serve", &pair],
        &["serve", "--secret", SECRET, SECRET],
        &["serve", "--no-verify", "--relay", SECRET],
        &["serve", "--no-verify", "--relay-url", SECRET],
        &["serve", "--no-verify", "--listen", SECRET],
        &["serve", "--no-verify", "--path", SECRET],
        &["serve", "--no-verify", "--tolerance", SECRET],
        &["serve", "--no-verify", "--config", SECRET],
        &["watch", "--secret", SECRET, "--theme", SECRET],
        &["export", SECRET],
        &["open", SECRET],
        &["simulate", "--to", SECRET, "--secret", SECRET],
        &["simulate", "--to", "http://127.0.0.1:1/", "--secret", SECRET, "--rate", SECRET],
        &["verify", "--secret", SECRET, "--at", SECRET],
        &["completions", SECRET],
    ];
    for args in wrong {
        let (code, said) = searched(invigil(args, home.path()), b"");
        assert_eq!(code, 2, "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn no_help_and_no_explanation_holds_the_secret() {
    let home = tempfile::tempdir().unwrap();
    let told: [&[&str]; 8] = [
        &["--help"],
        &["serve", "--help"],
        &["verify", "--help"],
        &["simulate", "--help"],
        &["man"],
        &["completions", "bash"],
        &["config"],
        &["simulate", "--to", "http://127.0.0.1:1/", "--limit", "1"],
    ];
    for args in told {
        let mut command = invigil(args, home.path());
        command.env("INVIGIL_SECRET", SECRET);
        searched(command, b"");
    }
    let mut verify = ["verify", "--id", "m", "--timestamp", "1614265330", "--signature", "v1,AAAA"].to_vec();
    for secret in [SECRET, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"] {
        let mut command = invigil(&verify, home.path());
        command.env("INVIGIL_SECRET", secret);
        searched(command, SAMPLE.as_bytes());
        verify.extend(["--at", "1614265331"]);
    }
}

/// A panic's message may hold what it was about; it is not what is told of it.
#[test]
fn a_panic_says_where_and_not_what() {
    if std::env::var_os("INVIGIL_TEST_PANICS").is_some() {
        invigil::cli::crash::guard();
        let payload = format!("Bea Grant \u{1b}[2J {SECRET}");
        let ended = std::thread::spawn(move || panic!("{payload}")).join();
        assert!(ended.is_err());
        return;
    }
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "secrets::a_panic_says_where_and_not_what", "--nocapture"])
        .env("INVIGIL_TEST_PANICS", "1")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    let said = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
    assert!(ended.status.success(), "{said}");
    assert_clean("a panic", said.as_bytes());
    assert!(!said.contains("Bea") && !said.contains('\u{1b}'), "{said}");
    let line = said.lines().find(|line| line.contains("a fault of its own")).unwrap();
    assert!(line.contains("secrets.rs:") && line.contains("please report this line"), "{line}");
}

/// Whoever runs it with an open umask still shares nothing.
#[test]
fn what_is_written_is_for_the_user_alone() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let open = |args: &[&str]| {
        let mut command = Command::new("sh");
        command.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_invigil")]).args(args);
        command.current_dir(&data).env("HOME", &data).env("XDG_DATA_HOME", data.join("xdg"));
        command.env("XDG_CONFIG_HOME", &data).env("INVIGIL_SECRET", SECRET);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    let check = |wanted: &[&str]| {
        let found = below(&data);
        for name in wanted {
            assert!(found.iter().any(|path| path.to_string_lossy().contains(name)), "no {name} in {found:?}");
        }
        for path in found {
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            let wanted = if path.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(mode, wanted, "{mode:o} {}", path.display());
        }
    };
    let listen = ["serve", "--listen", "127.0.0.1:0"];
    let named = ["--session", "deep/er/s.sqlite", "--log-file", "log.jsonl"];
    for more in [&named[..], &[]] {
        let (mut child, address, _out) = serve(open(&[&listen[..], more].concat()));
        assert_eq!(post(&address, "msg_1", SAMPLE), "HTTP/1.1 204 No Content");
        check(if more.is_empty() {
            &["xdg/invigil/"]
        } else {
            &["s.sqlite-wal", "s.sqlite-shm", "s.sqlite-lock", "log.jsonl"]
        });
        end(&child);
        assert!(child.wait().unwrap().success());
    }
    for args in
        [["export", "deep/er/s.sqlite", "-o", "out.json"], ["export", "deep/er/s.sqlite", "-o", "out.json"]]
    {
        assert!(open(&args).status().unwrap().success());
    }
    check(&["s.sqlite", "out.json"]);
}

/// A secret on a command line, or in a file that others can read, is no secret for long.
#[test]
fn a_secret_that_others_can_read_is_warned_of_once() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        std::fs::write(home.path().join(name), text).unwrap();
        std::fs::set_permissions(home.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    file("open.txt", SECRET, 0o644);
    file("closed.txt", SECRET, 0o600);
    file("open.toml", &format!("secret = \"{SECRET}\""), 0o640);
    file("closed.toml", &format!("secret = \"{SECRET}\""), 0o600);
    let cases: [(&[&str], bool, Option<&str>); 6] = [
        (&["--secret", SECRET], false, Some("--secret: other users")),
        (&[], true, None),
        (&["--secret-file", "closed.txt"], false, None),
        (&["--secret-file", "open.txt"], false, Some("open.txt: others can read it; `chmod 600 open.txt`")),
        (&["--config", "closed.toml"], false, None),
        (&["--config", "open.toml"], false, Some("open.toml: others can read it")),
    ];
    for (args, variable, warning) in cases {
        let args = [&["serve", "--listen", "127.0.0.1:0", "--session", "s.sqlite"], args].concat();
        let mut command = invigil(&args, home.path());
        if variable {
            command.env("INVIGIL_SECRET", SECRET);
        }
        let (mut child, _, _out) = serve(command);
        end(&child);
        let mut said = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
        assert!(child.wait().unwrap().success());
        let warnings: Vec<_> = said.lines().filter(|line| line.contains("\"what\":\"warning\"")).collect();
        assert_eq!(warnings.len(), usize::from(warning.is_some()), "{args:?}: {said}");
        assert!(warning.is_none_or(|part| said.contains(part)), "{said}");
    }
    for args in [
        &["verify", "--secret", SECRET, "--id", "m"][..],
        &["simulate", "--secret", SECRET, "--to", "http://127.0.0.1:1/", "--limit", "1"],
        &["check", "s.sqlite", "--secret", SECRET],
    ] {
        let said = searched(invigil(args, home.path()), b"").1;
        assert!(said.contains("warning: --secret: other users"), "{said}");
    }
    let args = ["--listen", "127.0.0.1:0", "--session", "s.sqlite", "--secret", SECRET];
    let mut terminal = Terminal::start(&args, home.path());
    terminal.expect("--secret: other users");
    terminal.press("Q");
    assert_eq!(terminal.end(), 0);
}
