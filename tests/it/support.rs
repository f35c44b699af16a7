//! The screen without a terminal: a model, a session in memory that answers at once, and frames as text.

#![expect(clippy::panic, reason = "a test that reaches beyond the end is to fail")]

mod answers;
pub(crate) mod command;
pub(crate) mod looking;
pub(crate) mod play;
pub(crate) mod program;
pub(crate) mod relay;
pub(crate) mod serving;
pub(crate) mod session;
pub(crate) mod target;
pub(crate) mod terminal;

use invigil::app::key::{Code, Key};
use invigil::app::model::{Model, Setup};
use invigil::app::msg::{Effect, Msg};
use invigil::app::update;
use invigil::domain::vitals::Vitals;
use invigil::ui;
use invigil::ui::styles::Styles;
use invigil::ui::theme::{Depth, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use session::{Session, at};

/// The signing secret of tests that need no other.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A screen in front of a session.
pub(crate) struct Harness {
    pub(crate) model: Model,
    pub(crate) session: Session,
    /// Effects that are not questions, in order.
    pub(crate) effects: Vec<Effect>,
    pub(crate) styles: Styles,
    revision: u64,
}

impl Harness {
    pub(crate) fn new(session: Session, size: (u16, u16)) -> Self {
        let setup = Setup {
            session: "autumn-rollout".into(),
            path: "/home/ann/autumn-rollout.db".into(),
            url: Some("http://127.0.0.1:8080/webhook".into()),
            themes: ["dark", "light", "contrast", "mono"].map(String::from).into(),
            theme: "dark".into(),
            now: at(0),
            size,
            ..Setup::default()
        };
        Self::with(setup, session)
    }

    pub(crate) fn with(setup: Setup, session: Session) -> Self {
        let styles = Styles::new(&Theme::built_in(&setup.theme), Depth::Full, setup.ascii);
        let mut harness =
            Self { model: Model::new(setup), session, effects: Vec::new(), styles, revision: 0 };
        let accepted = harness.session.len();
        for second in (0..60).rev() {
            harness.vitals(accepted - (second * 7 / 5).min(accepted));
            harness.send(Msg::Tick(at(-(second as i64))));
        }
        harness.commit();
        harness
    }

    /// The door has accepted so many deliveries.
    pub(crate) fn vitals(&mut self, accepted: u64) {
        let refusals = self.session.refusals();
        let vitals = Vitals {
            accepted,
            refused: [0, 0, u64::from(!refusals.is_empty()), 0, (refusals.len() as u64).saturating_sub(1), 0],
            refusals,
            ..Vitals::default()
        };
        self.send(Msg::Vitals(Box::new(vitals)));
    }

    pub(crate) fn commit(&mut self) {
        self.revision += 1;
        self.send(Msg::Committed { revision: self.revision });
    }

    /// Sends a message and answers every question it leads to.
    pub(crate) fn send(&mut self, msg: Msg) {
        let mut todo = update(&mut self.model, msg);
        let mut rounds = 0;
        while !todo.is_empty() {
            rounds += 1;
            assert!(rounds < 50, "the screen never has enough: {todo:?}");
            for effect in std::mem::take(&mut todo) {
                match effect {
                    Effect::Ask { ticket, question } => {
                        let answer = Ok(self.session.answer(&question));
                        todo.extend(update(&mut self.model, Msg::Fetched(ticket, answer)));
                    }
                    Effect::Mark(seq, marked) => {
                        self.session.mark(seq, marked);
                        self.revision += 1;
                        todo.extend(update(&mut self.model, Msg::Committed { revision: self.revision }));
                    }
                    effect => self.effects.push(effect),
                }
            }
        }
    }

    /// Presses keys: `jj<enter>f` with names in angle brackets.
    pub(crate) fn script(&mut self, keys: &str) -> &mut Self {
        for key in keys_of(keys) {
            self.send(Msg::Key(key));
        }
        self
    }

    pub(crate) fn buffer(&self) -> Buffer {
        let area = Rect::new(0, 0, self.model.size.0, self.model.size.1);
        let mut buffer = Buffer::empty(area);
        ui::render(&self.model, &self.styles, area, &mut buffer);
        buffer
    }

    /// What the screen shows, without colours.
    pub(crate) fn frame(&self) -> String {
        text(&self.buffer())
    }
}

/// Keys of a script.
pub(crate) fn keys_of(script: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = script.chars();
    while let Some(c) = rest.next() {
        if c == '<' {
            let name: String = rest.by_ref().take_while(|c| *c != '>').collect();
            keys.push(Key::parse(&name).unwrap_or_else(|| panic!("no key <{name}>")));
        } else {
            keys.push(Key::plain(Code::Char(c)));
        }
    }
    keys
}

/// A frame as lines of text.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = ui::text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
