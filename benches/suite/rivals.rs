//! What people run today: express and `FastAPI` with the svix library, verifying and keeping nothing.
//!
//! They are installed from npm and from `PyPI` into a directory beside the build, once; where that cannot be done the
//! part says so.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::client::{self, SECRET};
use super::figures::{Figures, setting};
use super::servers::{Kind, Server};

const EXPRESS: &str = r#"
const express = require("express");
const { Webhook } = require("svix");
const webhook = new Webhook(process.env.SECRET);
const app = express();
app.post("/webhook", express.raw({ type: "*/*", limit: "2mb" }), (request, response) => {
  try {
    webhook.verify(request.body, request.headers);
  } catch {
    return response.status(401).end();
  }
  response.status(204).end();
});
const server = app.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
"#;

const FASTAPI: &str = r#"
import os, socket, uvicorn
from fastapi import FastAPI, Request, Response
from svix.webhooks import Webhook, WebhookVerificationError
webhook = Webhook(os.environ["SECRET"])
app = FastAPI()
@app.post("/webhook")
async def receive(request: Request):
    try:
        webhook.verify(await request.body(), dict(request.headers))
    except WebhookVerificationError:
        return Response(status_code=401)
    return Response(status_code=204)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}/webhook", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
"#;

/// Each that can be installed, in rounds that alternate with invigil's.
pub fn run() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rivals");
    std::fs::create_dir_all(&dir).expect("a directory");
    let mut servers = vec![("invigil serve", Server::start(Kind::Invigil))];
    let rivals = [("express + svix", express(&dir)), ("FastAPI (uvicorn) + svix", fastapi(&dir))];
    for (name, command) in rivals {
        match command {
            Ok(mut command) => {
                command.env("SECRET", SECRET);
                let scratch = tempfile::tempdir().expect("a directory");
                servers.push((name, Server::spawn(command, scratch)));
            }
            Err(why) => println!("{name}: not measured, {why}"),
        }
    }
    let (rounds, events) = (setting("ROUNDS", 5), setting("EVENTS", 8_000));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut rates = vec![Figures::new(); servers.len()];
    let mut ratios = vec![Figures::new(); servers.len()];
    for round in 0..rounds {
        let mut ours = 0.0;
        for (n, (_, server)) in servers.iter().enumerate() {
            let requests = client::requests(5000 + round * servers.len() + n, events, server.address());
            let rate =
                events as f64 / runtime.block_on(client::send(server.address(), requests, 64)).as_secs_f64();
            if n == 0 {
                ours = rate;
            }
            rates[n].push(rate);
            ratios[n].push(ours / rate);
        }
    }
    for (n, (name, _)) in servers.iter().enumerate() {
        println!("{name:<26} {:>24} events/s; invigil is {}× that", rates[n].range(0), ratios[n].range(1));
    }
}

fn did(command: &mut Command) -> Result<(), String> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", command.get_program().display())),
        Err(error) => Err(format!("{} cannot be run: {error}", command.get_program().display())),
    }
}

fn express(dir: &Path) -> Result<Command, String> {
    if !dir.join("node_modules/svix").exists() {
        did(Command::new("npm")
            .args(["install", "--no-save", "--prefix"])
            .arg(dir)
            .args(["express", "svix"]))?;
    }
    let file = dir.join("express.js");
    std::fs::write(&file, EXPRESS).map_err(|error| error.to_string())?;
    let mut command = Command::new("node");
    command.arg(file).current_dir(dir).env("NODE_ENV", "production");
    Ok(command)
}

fn fastapi(dir: &Path) -> Result<Command, String> {
    let python = dir.join("venv/bin/python");
    if !dir.join("venv/installed").exists() {
        did(Command::new("python3").args(["-m", "venv"]).arg(dir.join("venv")))?;
        did(Command::new(&python).args([
            "-m",
            "pip",
            "install",
            "-q",
            "fastapi",
            "uvicorn[standard]",
            "svix",
        ]))?;
        std::fs::write(dir.join("venv/installed"), "").map_err(|error| error.to_string())?;
    }
    let file = dir.join("fastapi_server.py");
    std::fs::write(&file, FASTAPI).map_err(|error| error.to_string())?;
    let mut command = Command::new(python);
    command.arg(file);
    Ok(command)
}
