//! What stands in a table's cells, whichever list it is in: people, statuses, flags, counts.

use std::borrow::Cow;

use ratatui::style::Modifier;

use super::draw::{Piece, Scene};
use super::symbols::status_word;
use super::{mask, text};
use crate::domain::clean::Clean;
use crate::domain::event::Status;
use crate::domain::proctoring::{Counts, Flag, ViolationKind};
use crate::domain::projection::Rise;
use crate::domain::refusal::Code;
use crate::domain::time::Timestamp;

/// Text from outside, made safe.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    Clean::of(text).into_cow()
}

/// Who a row is about: name, else e-mail address, else id.
pub(super) fn who<'a>(
    name: Option<&'a str>,
    email: Option<&'a str>,
    id: Option<&'a str>,
    scene: Scene<'a>,
) -> Cow<'a, str> {
    if scene.model.redact {
        return match id.or(email).or(name) {
            Some(id) => Cow::Owned(mask::person(id)),
            None => Cow::Borrowed(""),
        };
    }
    let given = |text: Option<&'a str>| text.filter(|text| !text.trim().is_empty());
    given(name).or(given(email)).or(id).map(clean).unwrap_or_default()
}

/// An e-mail address, or its stand-in.
pub(super) fn email<'a>(email: Option<&'a str>, id: &str, scene: Scene<'a>) -> Cow<'a, str> {
    match email {
        Some(_) if scene.model.redact => Cow::Owned(mask::email(id)),
        Some(email) => clean(email),
        None => Cow::Borrowed(""),
    }
}

/// The address that something came from, or its stand-in.
pub(super) fn peer<'a>(peer: Option<&'a str>, scene: Scene<'a>) -> Cow<'a, str> {
    match peer {
        Some(peer) if scene.model.redact => Cow::Owned(mask::address(peer)),
        Some(peer) => clean(peer),
        None => Cow::Borrowed(""),
    }
}

/// In front of a row for which an alert rule holds.
pub(super) fn alert(scene: Scene<'_>) -> Piece<'static> {
    Piece::styled(scene.styles.symbols.alert, scene.styles.bad.add_modifier(Modifier::BOLD))
}

/// One piece in plain style.
pub(super) fn plain<'a>(text: impl Into<Cow<'a, str>>) -> Vec<Piece<'a>> {
    vec![Piece::raw(text)]
}

/// One piece that is read second.
pub(super) fn dim<'a>(text: impl Into<Cow<'a, str>>, scene: Scene<'a>) -> Vec<Piece<'a>> {
    vec![Piece::styled(text, scene.styles.dim)]
}

/// When something was.
pub(super) fn when(at: Option<Timestamp>, scene: Scene<'_>) -> Vec<Piece<'_>> {
    dim(text::when(scene.model, at), scene)
}

/// A status: sign and word.
pub(super) fn status(status: Option<Status>, width: u16, scene: Scene<'_>) -> Vec<Piece<'_>> {
    let Some(status) = status else { return dim(scene.styles.symbols.none, scene) };
    let style = scene.styles.status(status);
    let word = if status == Status::Disqualified && width < 14 { "disqual." } else { status_word(status) };
    vec![
        Piece::styled(scene.styles.symbols.status(status), style),
        Piece::styled(" ", style),
        Piece::styled(word, style),
    ]
}

/// A flag: sign and word.
pub(super) fn flag(flag: Flag, scene: Scene<'_>) -> Vec<Piece<'_>> {
    let style = scene.styles.flag(flag);
    // Green is the rule: its word need not call.
    let word = if flag == Flag::Green { scene.styles.dim } else { style };
    vec![
        Piece::styled(scene.styles.symbols.flag(flag), style),
        Piece::styled(" ", style),
        Piece::styled(flag.word(), word),
    ]
}

/// A score with one decimal.
pub(super) fn score(score: Option<f64>, scene: Scene<'_>) -> Vec<Piece<'_>> {
    match score {
        Some(score) if score.abs() < 1e5 => plain(format!("{score:.1}")),
        Some(score) => plain(format!("{score:.0e}")),
        None => dim(scene.styles.symbols.none, scene),
    }
}

/// A count; none is read second.
pub(super) fn number(number: u64, scene: Scene<'_>) -> Vec<Piece<'_>> {
    if number == 0 { dim("0", scene) } else { plain(text::short(number)) }
}

/// A refusal's reason in a word or two.
pub(super) fn reason(code: Code) -> &'static str {
    match code {
        Code::MissingHeader => "no headers",
        Code::MalformedHeader => "bad headers",
        Code::TimestampTooOld => "too old",
        Code::TimestampTooNew => "too new",
        Code::NoMatchingSignature => "signature",
        Code::SenderNotAllowed => "not allowed",
    }
}

/// A kind of violation in as few letters as can be.
pub(super) fn kind_word(kind: ViolationKind) -> &'static str {
    match kind {
        ViolationKind::TabSwitch => "tab",
        ViolationKind::ScreenLeft => "left",
        ViolationKind::MouseOut => "mouse",
        ViolationKind::FullScreenExit => "full-screen",
        ViolationKind::CopyPaste => "paste",
        ViolationKind::AiPlugin => "AI",
        ViolationKind::FocusGuard => "focus",
        ViolationKind::Talking => "talk",
        ViolationKind::Webcam => "cam",
        ViolationKind::IpChange => "IP",
    }
}

/// Kinds that alone make a candidacy red.
fn is_grave(kind: ViolationKind, count: u32) -> bool {
    let mut counts = Counts::default();
    counts.raise(kind, count);
    counts.flag() == Flag::Red
}

/// All violations in a few words, the gravest first: `paste 1 · tab 5`.
pub(super) fn violations<'a>(counts: &Counts, scene: Scene<'a>) -> Vec<Piece<'a>> {
    let mut given: Vec<(ViolationKind, u32)> = counts.given().collect();
    given.sort_by_key(|(kind, count)| (!is_grave(*kind, *count), std::cmp::Reverse(*count)));
    let mut pieces = Vec::with_capacity(given.len() * 2);
    for (n, (kind, count)) in given.into_iter().enumerate() {
        if n > 0 {
            pieces.push(Piece::styled(format!(" {} ", scene.styles.symbols.dot), scene.styles.dim));
        }
        let style = if is_grave(kind, count) { scene.styles.bad } else { scene.styles.text };
        pieces.push(Piece::styled(format!("{} {count}", kind_word(kind)), style));
    }
    pieces
}

/// Rises in a few words: `tab 2→5`.
pub(super) fn rises<'a>(rises: &[Rise], scene: Scene<'a>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::with_capacity(rises.len() * 2);
    for (n, rise) in rises.iter().enumerate() {
        if n > 0 {
            pieces.push(Piece::styled(format!(" {} ", scene.styles.symbols.dot), scene.styles.dim));
        }
        let style = if is_grave(rise.kind, rise.after) { scene.styles.bad } else { scene.styles.text };
        let arrow = scene.styles.symbols.arrow;
        let text = format!("{} {}{arrow}{}", kind_word(rise.kind), rise.before, rise.after);
        pieces.push(Piece::styled(text, style));
    }
    pieces
}
