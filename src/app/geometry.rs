//! Where everything lies: from the size and what is open to rectangles, the same for keys, mouse and drawing.
//!
//! ```text
//! ≥ 100 wide               80–99 wide            smaller
//! ┌─header───────────┐    ┌─header──────┐       ┌─header─┐
//! │ 1        │ 3     │    │ 1 ──────    │       │ tabs   │
//! ├──────────┼───────┤    │ 2 focused   │       │ one    │
//! │ 2        │ 4     │    │ 3 ──────    │       │ pane   │
//! └─footer───────────┘    │ 4 ──────    │       └─footer─┘
//! ```

use ratatui::layout::Rect;

use super::level::{Level, PayloadLevel};
use super::model::Model;
use super::msg::Slot;
use super::pane::Pane;
use super::reading::Inspector;

/// Below this nothing is shown but that it is too small.
pub const LEAST: (u16, u16) = (30, 8);
/// From this width on there are two columns.
const WIDE: u16 = 100;
/// From this width on a payload stands beside the list it is from.
const SPLIT: u16 = 160;

/// From this height on what needs a person may take two lines.
const BANNER: u16 = 12;

/// Lines of the box in which a word is typed that is searched for in a payload.
const PROMPT: u16 = 3;

/// How a part is set off from its neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A box all round.
    Box,
    /// A line with the title above.
    Rule,
    /// Nothing: a strip of tabs names it.
    Bare,
}

/// Something that has a rectangle of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A list.
    List(Slot),
    /// What an assessment comes to.
    Assessment,
    /// Who a candidacy is.
    Candidacy,
    /// A payload.
    Payload,
    /// A refused delivery.
    Refusal,
}

/// The screen, divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regions {
    /// Session, state, figures.
    pub header: Rect,
    /// What needs a person.
    pub banner: Option<Rect>,
    /// Where one is, and the filter in force.
    pub crumbs: Option<Rect>,
    /// Names of the panes, where only one is shown.
    pub tabs: Option<Rect>,
    /// The panes or the drill-down.
    pub body: Rect,
    /// What is in the body.
    pub parts: Vec<(Part, Rect)>,
    /// How those parts are set off.
    pub framing: Framing,
    /// Hints and notices.
    pub footer: Rect,
}

/// A list's rectangle, divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListArea {
    /// The strip of views.
    pub strip: Option<Rect>,
    /// Heads of the columns.
    pub heads: Option<Rect>,
    /// The rows.
    pub rows: Rect,
}

/// Cuts some lines off the top.
fn take(rest: &mut Rect, lines: u16) -> Rect {
    let lines = lines.min(rest.height);
    let cut = Rect { height: lines, ..*rest };
    *rest = Rect { y: rest.y + lines, height: rest.height - lines, ..*rest };
    cut
}

/// Cuts a rectangle in two, one above the other.
fn above(area: Rect, lines: u16) -> (Rect, Rect) {
    let mut rest = area;
    (take(&mut rest, lines), rest)
}

/// Cuts a rectangle in two, side by side.
fn beside(area: Rect, columns: u16) -> (Rect, Rect) {
    let left = columns.min(area.width);
    let right = Rect { x: area.x + left, width: area.width - left, ..area };
    (Rect { width: left, ..area }, right)
}

/// Divides the screen; `None` if it is too small for anything.
#[must_use]
pub fn regions(model: &Model, area: Rect) -> Option<Regions> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    let single = area.width < 80 || area.height < 20;
    let mut rest = area;
    let header = take(&mut rest, if single { 1 } else { 2 });
    let banner = model.banner().map(|banner| {
        // What to do stands at its end, so a long one gets a second line.
        let long = banner.text.chars().count() + 4 > usize::from(area.width);
        take(&mut rest, if long && area.height >= BANNER { 2 } else { 1 })
    });
    let crumbs = model.has_crumbs().then(|| take(&mut rest, 1));
    let tabs = (single && model.levels.is_empty()).then(|| take(&mut rest, 1));
    let (mut body, footer) = above(rest, rest.height.saturating_sub(1));
    if model.searches_payload() && body.height > 2 * PROMPT {
        // What is found while the word is typed must not lie under the line it is typed in.
        body.height -= PROMPT;
    }
    let framing = match (single, area.width >= WIDE) {
        (true, _) => Framing::Bare,
        (_, true) => Framing::Box,
        _ => Framing::Rule,
    };
    let parts =
        if model.levels.is_empty() { panes(model, body, single) } else { levels(model, body, framing) };
    Some(Regions { header, banner, crumbs, tabs, body, parts, framing, footer })
}

/// Rows that what stands in an empty list may take.
const EMPTY: u64 = 6;

fn panes(model: &Model, body: Rect, single: bool) -> Vec<(Part, Rect)> {
    let part = |pane: Pane| Part::List(Model::pane_slot(pane));
    if single || model.zoomed {
        return vec![(part(model.focus), body)];
    }
    if body.width >= WIDE {
        return columns(model, body).into_iter().map(|(pane, rect)| (part(pane), rect)).collect();
    }
    // The focused pane takes what the others, with a title and a few rows each, leave; but a list that is short leaves
    // lines to the others.
    let small = (body.height / 7).clamp(3, 6);
    let mut lines = Pane::ALL.map(|pane| small.min(wanted(model, pane)).max(3));
    let mut spare = body.height.saturating_sub(lines.iter().sum());
    let mut give = |pane: Pane, most: u16| {
        if let Some(has) = lines.get_mut(pane as usize) {
            let more = most.min(spare).min(wanted(model, pane).saturating_sub(*has));
            *has += more;
            spare -= more;
        }
        spare
    };
    let mut left = give(model.focus, u16::MAX);
    let others = [Pane::Events, Pane::Candidates, Pane::Violations, Pane::Assessments];
    let mut others: Vec<Pane> = others.into_iter().filter(|pane| *pane != model.focus).collect();
    // Each gets an even part, and the first what those after it have no use for.
    for count in (1..=others.len()).rev() {
        let Some(pane) = others.pop() else { break };
        left = give(pane, left / count as u16);
    }
    if let Some(last) = lines.last_mut() {
        *last += left;
    }
    let mut rest = body;
    Pane::ALL.into_iter().zip(lines).map(|(pane, lines)| (part(pane), take(&mut rest, lines))).collect()
}

/// As many lines as a pane has use for: title, heads and views, and a row for each.
fn wanted(model: &Model, pane: Pane) -> u16 {
    let (rows, views) = match pane {
        Pane::Assessments => (model.assessments.total(), 0),
        Pane::Candidates => (model.candidates.total(), 1),
        Pane::Violations => (model.rises.total(), 0),
        Pane::Events => (model.events.total(), 0),
    };
    // An empty list says why it is empty.
    let rows = if rows == 0 { EMPTY } else { rows };
    u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2 + views)
}

fn columns(model: &Model, body: Rect) -> [(Pane, Rect); 4] {
    let (left, right) = beside(body, body.width.div_ceil(2));
    // As many lines as there are assessments, within reason: their list is short and fully seen.
    let wanted = u16::try_from(model.assessments.total()).unwrap_or(u16::MAX).saturating_add(3);
    let upper = wanted.clamp(6, (body.height * 2 / 5).max(6));
    let (assessments, candidates) = above(left, upper);
    let (violations, events) = above(right, (body.height * 2 / 5).max(6));
    [
        (Pane::Assessments, assessments),
        (Pane::Candidates, candidates),
        (Pane::Violations, violations),
        (Pane::Events, events),
    ]
}

fn levels(model: &Model, body: Rect, framing: Framing) -> Vec<(Part, Rect)> {
    match model.levels.last() {
        Some(Level::Assessment(_)) => {
            let tall =
                if framing == Framing::Bare { body.height / 2 } else { (body.height / 2).clamp(8, 17) };
            let (head, roster) = above(body, tall);
            vec![(Part::Assessment, head), (Part::List(Slot::Roster), roster)]
        }
        Some(Level::Candidacy(_)) => {
            let (head, timeline) = above(body, candidacy_lines(body, framing));
            vec![(Part::Candidacy, head), (Part::List(Slot::Timeline), timeline)]
        }
        Some(Level::Refusal(_)) => vec![(Part::Refusal, body)],
        Some(Level::Payload(_)) | None => {
            if body.width < SPLIT || model.zoomed {
                return vec![(Part::Payload, body)];
            }
            let (list, payload) = beside(body, body.width * 2 / 5);
            let mut parts = match model.list_below() {
                Slot::Timeline => {
                    let (head, timeline) = above(list, candidacy_lines(list, framing));
                    vec![(Part::Candidacy, head), (Part::List(Slot::Timeline), timeline)]
                }
                slot => vec![(Part::List(slot), list)],
            };
            parts.push((Part::Payload, payload));
            parts
        }
    }
}

fn candidacy_lines(body: Rect, framing: Framing) -> u16 {
    match framing {
        Framing::Box => 7,
        Framing::Rule => 5,
        Framing::Bare => (body.height / 3).clamp(2, 4),
    }
}

/// A part's inside: what its frame leaves.
#[must_use]
pub fn inside(rect: Rect, framing: Framing) -> Rect {
    match framing {
        Framing::Box => Rect {
            x: rect.x + 1,
            y: rect.y + 1,
            width: rect.width.saturating_sub(2),
            height: rect.height.saturating_sub(2),
        },
        Framing::Rule => {
            Rect { y: rect.y + 1.min(rect.height), height: rect.height.saturating_sub(1), ..rect }
        }
        Framing::Bare => rect,
    }
}

/// Divides a list's rectangle. `strip`: it has views to step through.
#[must_use]
pub fn list_area(rect: Rect, framing: Framing, strip: bool) -> ListArea {
    let mut rows = inside(rect, framing);
    let roomy = rows.height >= 4;
    let strip = (strip && roomy).then(|| take(&mut rows, 1));
    let heads = roomy.then(|| take(&mut rows, 1));
    ListArea { strip, heads, rows }
}

/// A payload's rectangle, divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadArea {
    /// The verdict, and the headers if they are shown.
    pub envelope: Rect,
    /// Where in the document the cursor is.
    pub path: Rect,
    /// The lines of the document.
    pub rows: Rect,
    /// The value under the cursor in full.
    pub inspector: Option<Rect>,
}

impl PayloadArea {
    /// Where a line of the body as it came stands: right of the cursor's sign.
    #[must_use]
    pub fn raw(&self) -> Rect {
        Rect {
            x: self.rows.x + 1.min(self.rows.width),
            width: self.rows.width.saturating_sub(1),
            ..self.rows
        }
    }
}

/// Divides a payload's rectangle.
#[must_use]
pub fn payload_area(rect: Rect, framing: Framing, level: &PayloadLevel) -> PayloadArea {
    let mut rows = inside(rect, framing);
    let reading = level.reading.as_ref();
    let headers = level.head.get().map_or(0, |detail| detail.headers.0.len());
    let forwarded = level.head.get().is_some_and(|detail| detail.line.forwarded.is_some());
    let more = u16::from(forwarded);
    let shown = reading.is_some_and(|reading| reading.envelope);
    let lines = if shown {
        (headers as u16 + 3 + 2 * more).min(rows.height / 2)
    } else {
        (2 + more).min(rows.height / 4)
    };
    let envelope = take(&mut rows, lines);
    let path = take(&mut rows, 1);
    let inspects = reading.is_some_and(|reading| reading.inspector != Inspector::Closed);
    let inspector = (inspects && rows.height >= 6).then(|| {
        let below = (rows.height / 3).clamp(3, 12);
        let (upper, lower) = above(rows, rows.height - below);
        rows = upper;
        lower
    });
    PayloadArea { envelope, path, rows, inspector }
}

impl Regions {
    /// The rectangle of a part, if it is on screen.
    #[must_use]
    pub fn of(&self, part: Part) -> Option<Rect> {
        self.parts.iter().find(|(there, _)| *there == part).map(|(_, rect)| *rect)
    }

    /// The part at a cell of the screen.
    #[must_use]
    pub fn at(&self, column: u16, row: u16) -> Option<(Part, Rect)> {
        let inside =
            |rect: &Rect| (rect.x..rect.right()).contains(&column) && (rect.y..rect.bottom()).contains(&row);
        self.parts.iter().copied().find(|(_, rect)| inside(rect))
    }
}
