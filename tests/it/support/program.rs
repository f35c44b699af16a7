//! The real program as a task of the test: started, listened to, ended.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that fails is to say where, and this one deals with the world"
)]

use std::path::Path;
use std::time::Duration;

use invigil::clock;
use invigil::domain::secret::Secret;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::SECRET;
use super::command::invigil;

/// Longer than anything here may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// The headers of a delivery, signed now.
pub(crate) fn signed(id: &str, secret: &str, body: &[u8]) -> [(&'static str, String); 3] {
    let now = clock::now().secs();
    let signature = Secret::parse(secret).unwrap().sign(id, now, body);
    [("svix-id", id.to_owned()), ("svix-timestamp", now.to_string()), ("svix-signature", signature)]
}

/// A running `invigil serve`. It is killed when this goes.
pub(crate) struct Program {
    pub(crate) child: Child,
    out: Lines<BufReader<ChildStdout>>,
    told: mpsc::UnboundedReceiver<Value>,
    /// Where it takes deliveries.
    pub(crate) url: String,
}

impl Program {
    /// Starts it on a session and waits until it listens. It has a secret unless the options say otherwise.
    pub(crate) async fn serve(session: &Path, args: &[&str]) -> Self {
        Self::changed(session, args, |_| {}).await
    }

    /// The same, with whatever else there is to say of how it is started.
    pub(crate) async fn changed(session: &Path, args: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let said = args.contains(&"--no-verify") || args.contains(&"--secret");
        let secret: &[&str] = if said { &[] } else { &["--secret", SECRET] };
        let args = [&["serve", "--listen", "127.0.0.1:0"], secret, args, &["--session"]].concat();
        let mut command = Command::from(invigil(&args, session.parent().unwrap()));
        command.arg(session).kill_on_drop(true);
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        // Read on and on, so that the program never waits for a reader.
        let (tell, told) = mpsc::unbounded_channel();
        let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = err.next_line().await {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let mut program = Self { child, out, told, url: String::new() };
        program.line().await.strip_prefix("listening on ").unwrap().clone_into(&mut program.url);
        program
    }

    /// The host and port of that.
    pub(crate) fn address(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// The next line on standard output.
    pub(crate) async fn line(&mut self) -> String {
        timeout(PATIENCE, self.out.next_line()).await.unwrap().unwrap().unwrap()
    }

    /// The next happening of this kind.
    pub(crate) async fn told(&mut self, what: &str) -> Value {
        loop {
            let happening = timeout(PATIENCE, self.told.recv()).await.unwrap().unwrap();
            if happening["what"] == what {
                return happening;
            }
        }
    }

    /// Tells it to end.
    pub(crate) fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Tells it to end, and sees that it ends well.
    pub(crate) async fn stop(mut self) {
        self.terminate();
        assert!(timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap().success());
    }

    /// Ends it in mid-sentence.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
