//! Every command in README and docs is run as it stands there.
//!
//! What a block of `sh` is, the word behind that says: nothing, and it is run to its end, which is a good one;
//! `fails`, and it is one of exit code 2 or 1; `serve`, and it serves, is sent some events and is stopped;
//! `screen`, and it shows a screen, which is left with `Q`; `beside`, and it is run while a listener runs; `attach`,
//! and it shows a screen while one runs that others may look on at.
//! Blocks of `console` need rights or programs that a test has not, and are only looked at: every option of
//! `invigil` in them exists. Blocks stand in one directory a chapter, in their order, so one may use what another
//! made. What a reader has to replace is replaced here: see `real`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::CommandFactory;
use invigil::cli::args::Cli;
use invigil::clock;
use invigil::domain::secret::Secret;
use portable_pty::{CommandBuilder, NativePtySystem, PtySize, PtySystem};

use super::support::SECRET;

const SAMPLE: &str = include_str!("../../assets/samples/candidate.completed.json");
/// What runs while something beside it is run.
const SERVE: &str = "invigil serve --secret-file secret.txt --session beside.sqlite";
const PATIENCE: Duration = Duration::from_secs(30);

struct Block {
    line: usize,
    sort: String,
    text: String,
}

/// The fenced blocks of a paper that begin with `sh` or `console`.
fn blocks(paper: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = None;
    for (number, line) in paper.lines().enumerate() {
        let inner = line.trim_start();
        match (inner.strip_prefix("```"), open) {
            (Some(sort), None) => {
                open = Some(line.len() - inner.len());
                blocks.push(Block { line: number + 1, sort: sort.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => open = None,
            (None, Some(indent)) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line.get(indent..).unwrap_or_default());
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks.retain(|block| block.sort.starts_with("sh") || block.sort == "console");
    blocks
}

/// Where the commands of one chapter are run.
struct Place {
    dir: tempfile::TempDir,
    port: u16,
    control: u16,
}

impl Place {
    /// All that a reader has by then: a secret, a certificate, a session, its export, captured requests.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let body = r#"{"test": 2432232314}"#;
        let headers = |id: &str, body: &str| {
            let signature = Secret::parse(SECRET).unwrap().sign(id, 1_790_000_000, body.as_bytes());
            format!("svix-id: {id}\nsvix-timestamp: 1790000000\nsvix-signature: {signature}\n")
        };
        std::fs::write(at("secret.txt"), SECRET).unwrap();
        std::fs::write(at("first.http"), format!("{}\n{SAMPLE}", headers("msg_1", SAMPLE))).unwrap();
        let imported = Command::new(program())
            .args(["import", "first.http", "--session", "rollout.sqlite", "--secret-file", "secret.txt"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(imported.status.success(), "{imported:?}");
        std::fs::write(at("body.json"), body).unwrap();
        std::fs::create_dir(at("captured")).unwrap();
        std::fs::write(at("captured/one.json"), body).unwrap();
        std::fs::write(at("captured/one.headers"), headers("msg_2", body)).unwrap();
        let certificate = rcgen::generate_simple_self_signed(["hooks.example.com".to_owned()]).unwrap();
        std::fs::write(at("fullchain.pem"), certificate.cert.pem()).unwrap();
        std::fs::write(at("privkey.pem"), certificate.signing_key.serialize_pem()).unwrap();
        // On the path stands a script that leaves the program's number behind: a shell keeps it to itself.
        let script = format!("#!/bin/sh\necho $$ > {}\nexec {} \"$@\"\n", at("pid").display(), program());
        std::fs::create_dir(at("bin")).unwrap();
        std::fs::write(at("bin/invigil"), script).unwrap();
        std::fs::set_permissions(at("bin/invigil"), Permissions::from_mode(0o755)).unwrap();
        // What runs beside it must not do so.
        std::fs::create_dir(at("beside")).unwrap();
        std::os::unix::fs::symlink(program(), at("beside/invigil")).unwrap();
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, control] = free.map(|free| free.local_addr().unwrap().port());
        Self { dir, port, control }
    }

    /// What a reader replaces, replaced: the secret, the id, the signature, the time and the ports.
    fn real(&self, text: &str) -> String {
        let body = std::fs::read(self.dir.path().join("body.json")).unwrap();
        let signature = Secret::parse(SECRET).unwrap().sign("msg_real", 1_790_000_000, &body);
        text.replace("whsec_…", SECRET)
            .replace("msg_…", "msg_real")
            .replace("v1,…", &signature)
            .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", self.port))
            .replace("127.0.0.1:7070", &format!("127.0.0.1:{}", self.control))
            .replace("0.0.0.0:8443", "127.0.0.1:0")
            .replace("cargo run --release -- ", "invigil ")
    }

    fn env(&self) -> Vec<(&'static str, String)> {
        let home = self.dir.path().display().to_string();
        let path = format!("{home}/bin:{}", std::env::var("PATH").unwrap_or_default());
        vec![
            ("PATH", path),
            ("HOME", home.clone()),
            ("XDG_CONFIG_HOME", home.clone()),
            ("XDG_DATA_HOME", home),
            ("INVIGIL_LISTEN", format!("127.0.0.1:{}", self.port)),
            // The public relay is not for tests: here nobody answers.
            ("INVIGIL_RELAY_URL", "ws://127.0.0.1:9/".to_owned()),
        ]
    }

    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("bash");
        command.args(["-euo", "pipefail", "-c", script]).current_dir(self.dir.path()).envs(self.env());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, script: &str) -> (i32, String) {
        let mut child = self.shell(script).stdout(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!(
                    "does not end; is it one of `serve` or `screen`? See the top of tests/it/papers.rs:\n{script}"
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = child.wait_with_output().unwrap();
        (ended.status.code().unwrap_or(-1), String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    /// Runs what serves, until it has been sent events and is stopped.
    fn serve(&self, script: &str, meanwhile: impl FnOnce(&str)) -> i32 {
        let mut child = self.shell(script).spawn().unwrap();
        let url = listening(&mut child);
        meanwhile(&url);
        let pid = std::fs::read_to_string(self.dir.path().join("pid")).unwrap();
        let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap().code().unwrap_or(-1)
    }

    /// What leaves no number behind.
    fn beside(&self, script: &str) -> String {
        format!("PATH={}:$PATH; {script}", self.dir.path().join("beside").display())
    }

    /// Shows a screen in a terminal, and leaves it.
    fn screen(&self, script: &str) -> u32 {
        let size = PtySize { rows: 36, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = NativePtySystem::default().openpty(size).unwrap();
        let mut command = CommandBuilder::new("bash");
        command.args(["-c", &self.beside(script)]);
        command.cwd(self.dir.path());
        for (variable, value) in self.env() {
            command.env(variable, value);
        }
        command.env("TERM", "xterm-256color");
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut keys = pair.master.take_writer().unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (told, hear) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let (mut bytes, mut screen) =
                ([0; 4096], vt100::Parser::new(36.try_into().unwrap(), 120.try_into().unwrap(), 0));
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                screen.process(bytes.get(..count).unwrap());
                // Once the screen is there, nobody hears any more.
                let _ = told.send(screen.screen().contents());
            }
        });
        let mut shown = String::new();
        while !shown.contains("Assessments") {
            shown = hear.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{script}: no screen:\n{shown}"));
        }
        keys.write_all(b"Q").unwrap();
        keys.flush().unwrap();
        child.wait().unwrap().exit_code()
    }
}

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_invigil")
}

/// Where a program says that it listens, on standard output or, with `--events`, on standard error.
fn listening(child: &mut Child) -> String {
    let (told, hear) = std::sync::mpsc::channel();
    let out: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for stream in out {
        let told = told.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                // Once it is known where it listens, nobody hears any more.
                let _ = told.send(line);
            }
        });
    }
    drop(told);
    let begun = Instant::now();
    let mut all = Vec::new();
    while begun.elapsed() < PATIENCE {
        let Ok(line) = hear.recv_timeout(PATIENCE) else { break };
        if let Some(url) = line.strip_prefix("listening on ") {
            return url.to_owned();
        }
        all.push(line);
    }
    panic!("it does not listen: {all:?}");
}

/// Sends one signed event.
fn send(url: &str) {
    let Some(rest) = url.strip_prefix("http://") else { return };
    let (address, path) = rest.split_once('/').unwrap();
    let (id, now) = ("msg_sent", clock::now().secs());
    let signature = Secret::parse(SECRET).unwrap().sign(id, now, SAMPLE.as_bytes());
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: x\r\nsvix-id: {id}\r\nsvix-timestamp: {now}\r\nsvix-signature: {signature}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{SAMPLE}",
        SAMPLE.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
}

/// Every long option of `invigil` in a text exists.
fn options_exist(place: &str, text: &str) {
    let mut cli = Cli::command();
    cli.build();
    let known: Vec<_> = std::iter::once(&cli)
        .chain(cli.get_subcommands())
        .flat_map(|command| command.get_arguments().filter_map(clap::Arg::get_long))
        .collect();
    for line in text.lines().filter(|line| line.contains("invigil ") && !line.contains("docker")) {
        for option in line.split_whitespace().filter_map(|word| word.strip_prefix("--")) {
            let option = option.split('=').next().unwrap_or_default();
            assert!(option.is_empty() || known.contains(&option), "{place}: there is no --{option}");
        }
    }
}

/// Runs every command of a paper.
fn works(paper: &Path) {
    let text = std::fs::read_to_string(paper).unwrap();
    let place = Place::new();
    let mut commands = 0;
    for block in blocks(&text) {
        let at = format!("{}:{}", paper.display(), block.line);
        let script = place.real(&block.text);
        commands += 1;
        match block.sort.as_str() {
            "sh" => {
                let (code, told) = place.run(&script);
                assert_eq!(code, 0, "{at}: {told}");
            }
            "sh fails" => {
                let (code, told) = place.run(&script);
                assert!([1, 2].contains(&code), "{at}: {code}: {told}");
            }
            "sh serve" => assert_eq!(place.serve(&script, send), 0, "{at}"),
            "sh beside" => {
                let served = place.serve(SERVE, |_| {
                    let (code, told) = place.run(&place.beside(&script));
                    assert_eq!(code, 0, "{at}: {told}");
                });
                assert_eq!(served, 0, "{at}");
            }
            "sh attach" => {
                let serve = place.real(&format!("{SERVE} --control 127.0.0.1:7070"));
                let served = place.serve(&serve, |_| assert_eq!(place.screen(&script), 0, "{at}"));
                assert_eq!(served, 0, "{at}");
            }
            "sh screen" => assert_eq!(place.screen(&script), 0, "{at}"),
            "console" => options_exist(&at, &script),
            other => panic!("{at}: how is a block of `{other}` tested? See tests/it/papers.rs"),
        }
    }
    assert!(commands > 0, "{}: no command was found", paper.display());
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_commands_of_the_readme_work() {
    works(&root().join("README.md"));
}

#[test]
fn the_commands_of_every_chapter_work() {
    let chapters = std::fs::read_dir(root().join("docs")).unwrap();
    let mut chapters: Vec<_> = chapters.map(|entry| entry.unwrap().path()).collect();
    chapters.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    assert!(chapters.len() >= 5, "{chapters:?}");
    std::thread::scope(|scope| {
        for chapter in &chapters {
            scope.spawn(|| works(chapter));
        }
    });
}

#[test]
fn every_link_between_the_papers_leads_somewhere() {
    let papers = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    let chapters = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for paper in papers.into_iter().chain(chapters) {
        let text = std::fs::read_to_string(&paper).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, part) = target.split_once('#').unwrap_or((target, ""));
            let there = if file.is_empty() { paper.clone() } else { paper.parent().unwrap().join(file) };
            assert!(there.exists(), "{}: {target} leads nowhere", paper.display());
            if !part.is_empty() {
                let there = std::fs::read_to_string(&there).unwrap();
                let titles = there.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(
                    titles.into_iter().any(|title| title == part),
                    "{}: no part {target}",
                    paper.display()
                );
            }
            seen += 1;
        }
    }
    assert!(seen > 10, "the links were found");
}

/// What GitHub calls the part under a title.
fn anchor(title: &str) -> String {
    let title = title.trim_start_matches('#').trim().to_lowercase();
    title
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn the_version_tells_one_build_from_another() {
    let told = Command::new(program()).arg("--version").output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.starts_with(&format!("invigil {} (", env!("CARGO_PKG_VERSION"))), "{told}");
    assert!(told.trim_end().ends_with(&format!("SQLite {})", rusqlite::version())), "{told}");
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(commit) = git.ok().filter(|asked| asked.status.success()) {
        let commit = String::from_utf8(commit.stdout).unwrap();
        assert!(told.contains(commit.trim()), "{told}: not of {commit}");
    }
}
