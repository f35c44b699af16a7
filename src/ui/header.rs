//! Header, banner and breadcrumb: is the webhook alive, does it need somebody, where am I.
//!
//! ```text
//!  invigil  ● LIVE  autumn-rollout  http://127.0.0.1:8080/webhook        ▁▂▁▅█▃▂ 12.4/s
//!  1,284 events · 37 repeated · 3 refused (2 signature, 1 too old) · last event 3s ago
//!  Assessments › Backend Engineer › Bea Grant                          filter flag:red
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::cells::{self, clean};
use super::draw::{self, Piece, Scene};
use super::{attachment, forward, mask, relay, text};
use crate::app::geometry::Regions;
use crate::app::level::Level;
use crate::app::model::Mode;
use crate::app::notice::Tone;
use crate::app::pane::Pane;
use crate::domain::refusal::Code;

/// So much of the name of a session stands in any case.
const LEAST_NAME: u16 = 6;
/// Less room than this is left empty rather than filled with the beginning of a URL.
const LEAST_PLACE: u16 = 12;

/// Draws the lines above the panes.
pub(super) fn draw(buf: &mut Buffer, regions: &Regions, scene: Scene<'_>) {
    draw::ground(buf, regions.header, scene.styles.bar);
    if regions.header.height > 1 {
        identity(buf, draw::line_of(regions.header, 0), scene);
        figures(buf, draw::line_of(regions.header, 1), scene);
    } else {
        small(buf, regions.header, scene);
    }
    if let (Some(area), Some(banner)) = (regions.banner, scene.model.banner()) {
        let style = scene.styles.tone(banner.tone).add_modifier(Modifier::BOLD);
        let sign =
            if banner.tone == Tone::Bad { scene.styles.symbols.bad } else { scene.styles.symbols.warn };
        let told = clean(&banner.text);
        draw::ground(buf, area, scene.styles.bar);
        let lines = text::wrap_to(&told, area.width.saturating_sub(4), usize::from(area.height));
        for (n, line) in lines.into_iter().enumerate() {
            let lead = if n == 0 { format!(" {sign} ") } else { "   ".to_owned() };
            let pieces = [Piece::styled(lead, style), Piece::styled(line, style)];
            draw::pieces(buf, draw::line_of(area, n as u16), &pieces, scene.styles);
        }
    }
    if let Some(area) = regions.crumbs {
        crumbs(buf, area, scene);
    }
}

/// LIVE, PAUSED, DEMO, SAVED or OFFLINE: sign and word.
fn state(scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let symbols = styles.symbols;
    let stopped = model.vitals.is_deaf() || model.vitals.storage_fault.is_some();
    let (sign, word, style) = match (model.paused, model.mode) {
        (Some(_), _) => (symbols.paused, "PAUSED", styles.warn),
        (None, Mode::Open) => (symbols.saved, "SAVED", styles.info),
        (None, Mode::Attach) if !model.is_followed() => (symbols.warn, "OFFLINE", styles.warn),
        (None, _) if stopped => (symbols.bad, "STOPPED", styles.bad),
        (None, Mode::Demo) => (symbols.live, "DEMO", styles.ok),
        (None, Mode::Watch | Mode::Attach) => (symbols.live, "LIVE", styles.ok),
    };
    let style = style.add_modifier(Modifier::BOLD);
    let mut pieces = vec![Piece::styled(format!("{sign} {word}"), style)];
    if let Some(new) = model.new_since_pause() {
        pieces.push(Piece::styled(format!(" +{} new", text::count(new)), styles.warn));
    }
    if model.takes_unsigned {
        pieces.push(Piece::styled("  UNVERIFIED", styles.warn.add_modifier(Modifier::BOLD)));
    }
    if model.redact {
        pieces.push(Piece::styled("  REDACTED", styles.info.add_modifier(Modifier::BOLD)));
    }
    pieces
}

fn identity(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let mut pieces = vec![
        Piece::styled(" invigil ", styles.accent(Pane::Events).add_modifier(Modifier::BOLD)),
        Piece::raw(" "),
    ];
    pieces.extend(state(scene));
    pieces.push(Piece::raw("  "));
    let least = draw::pieces_width(&pieces) + LEAST_NAME;
    let mut ways = (0..BRIEFEST).map(|brief| links(brief, scene));
    let links = ways.find(|links| least + draw::pieces_width(links) <= area.width);
    let links = links.unwrap_or_else(|| self::links(BRIEFEST, scene));
    let mut curve = if model.mode == Mode::Open { Vec::new() } else { rate(area.width, scene) };
    // How things are is told whole: the curve gives way to it, then the figure beside it, then the name.
    let name = clean(&model.session);
    let wanted = |name: u16| draw::pieces_width(&pieces) + name + draw::pieces_width(&links);
    let whole = wanted(text::width(&name));
    while !curve.is_empty() && whole + draw::pieces_width(&curve) > area.width {
        curve.remove(0);
    }
    let room = (area.width + text::width(&name)).saturating_sub(whole).max(LEAST_NAME);
    pieces.push(Piece::styled(text::fit(&name, room, styles.symbols.cut), styles.strong));
    pieces.extend(links);
    let place = match (model.mode, model.public_url()) {
        (Mode::Open, _) => clean(&model.path),
        (_, Some(url)) => clean(url),
        (Mode::Attach, None) => "".into(),
        (_, None) => "starting to listen…".into(),
    };
    let used = draw::pieces_right(buf, area, &curve, styles);
    let rest = Rect { width: area.width - used, ..area };
    // A few letters of it would tell nothing.
    if draw::pieces_width(&pieces) + LEAST_PLACE < rest.width {
        pieces.push(Piece::raw("  "));
        pieces.push(Piece::styled(place, styles.info));
    }
    draw::pieces(buf, rest, &pieces, styles);
}

/// As many of the links are told in few words as this, at most.
const BRIEFEST: u8 = 3;

/// What this hangs on and what hangs on it. The more `brief`, the more of them are told in few words, beginning with
/// what says least.
fn links(brief: u8, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let mut pieces = attachment::state(brief > 1, scene);
    pieces.extend(relay::state(brief > 0, scene));
    pieces.extend(forward::state(brief > 2, scene));
    pieces
}

/// The last minute as a little curve, and how much comes each second.
fn rate(room: u16, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (styles, rate) = (scene.styles, &scene.model.rate);
    let cells = match room {
        0..100 => 12,
        100..160 => 20,
        _ => 30,
    };
    let seconds = rate.seconds();
    let each = seconds.len() / cells;
    let sums: Vec<u64> = seconds.chunks(each).map(|some| some.iter().sum()).collect();
    // A steady stream fills three quarters, so that a burst has somewhere to go.
    let most = (sums.iter().copied().max().unwrap_or_default() * 4 / 3).max(1);
    let bars = styles.symbols.bars;
    let bar = |sum: &u64| {
        let height = if *sum == 0 { 0 } else { (sum * 7).div_ceil(most) as usize };
        bars.get(height.min(7)).copied().unwrap_or_default()
    };
    let curve: String = sums.iter().map(bar).collect();
    let curve = format!("  {curve}");
    let now = rate.per_second();
    let figure = if now >= 100.0 { format!(" {now:.0}/s ") } else { format!(" {now:.1}/s ") };
    vec![Piece::styled(curve, styles.accent(Pane::Candidates)), Piece::styled(figure, styles.text)]
}

fn figures(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let at = model.sums().last_received_at;
    let what = if at.is_some() { "last event " } else { "" };
    let last = match at {
        Some(at) if model.mode == Mode::Open || model.absolute => {
            format!("{} ", text::full(model, at))
        }
        Some(at) => format!("{} ago ", text::age(model.now.since(at))),
        None => "no event yet ".into(),
    };
    let mut last = vec![Piece::raw(" "), Piece::styled(what, styles.dim), Piece::styled(last, styles.dim)];
    let room = |last: &[Piece<'_>]| area.width.saturating_sub(draw::pieces_width(last));
    let wide = Some(counts(false, scene)).filter(|pieces| draw::pieces_width(pieces) <= room(&last));
    let mut pieces = wide.unwrap_or_else(|| counts(true, scene));
    if draw::pieces_width(&pieces) > room(&last) {
        last.remove(1);
    }
    let room = area.width - draw::pieces_right(buf, area, &last, styles);
    if let Some(lag) = model.vitals.lag_millis {
        let lag = [
            Piece::styled(format!(" {} ", styles.symbols.dot), styles.dim),
            Piece::styled(format!("lag {}", text::duration(lag)), styles.dim),
        ];
        if draw::pieces_width(&pieces) + draw::pieces_width(&lag) <= room {
            pieces.extend(lag);
        }
    }
    draw::pieces(buf, Rect { width: room, ..area }, &pieces, styles);
}

/// What came, and what became of it; `narrow`: in as few words as say it.
fn counts(narrow: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let (sums, vitals) = (model.sums(), &model.vitals);
    let ground = styles.bar;
    let number = |n: u64| Piece::styled(text::count(n), ground.add_modifier(Modifier::BOLD));
    let dot = || Piece::styled(format!(" {} ", styles.symbols.dot), styles.dim);
    let word = if sums.events == 1 { " event" } else { " events" };
    let mut pieces = vec![Piece::raw(" "), number(sums.events), Piece::styled(word, styles.dim)];
    let repeated = sums.duplicates();
    pieces.extend([dot(), number(repeated), Piece::styled(" repeated", styles.dim)]);
    if sums.unrecognised > 0 {
        let word = if narrow { "unrec." } else { "unrecognised" };
        let text = format!("{} {word}", text::count(sums.unrecognised));
        pieces.extend([dot(), Piece::styled(text, styles.warn)]);
    }
    if model.mode != Mode::Open {
        pieces.push(dot());
        pieces.extend(refused(narrow, scene));
    }
    if vitals.pending > 0 {
        let text = format!("{} unverified", text::count(vitals.pending));
        pieces.extend([dot(), Piece::styled(text, styles.warn)]);
    }
    for (count, word) in [(vitals.unavailable, "put off (503)"), (vitals.too_large, "too large")] {
        if count > 0 {
            pieces.extend([dot(), Piece::styled(format!("{} {word}", text::count(count)), styles.warn)]);
        }
    }
    if vitals.called > 0 {
        let alerts = if narrow { text::count(vitals.called) } else { text::plural(vitals.called, "alert") };
        let text = format!("{} {alerts}", styles.symbols.alert);
        pieces.extend([dot(), Piece::styled(text, styles.bad)]);
    }
    pieces
}

/// How many were refused, why, and when the last one was.
fn refused(narrow: bool, scene: Scene<'_>) -> Vec<Piece<'static>> {
    let (model, styles) = (scene.model, scene.styles);
    let vitals = &model.vitals;
    if vitals.refused() == 0 {
        return vec![
            Piece::styled("0", styles.bar.add_modifier(Modifier::BOLD)),
            Piece::styled(" refused", styles.dim),
        ];
    }
    let latest = vitals.refusals.iter().rfind(|refusal| !refusal.pending);
    let age = latest.map(|refusal| text::age(model.now.since(refusal.at)));
    let why = if narrow {
        let reason = latest.map(|refusal| cells::reason(refusal.code)).unwrap_or_default();
        format!("{reason} {}", age.unwrap_or_default())
    } else {
        let counts = Code::ALL.into_iter().zip(vitals.refused).filter(|(_, count)| *count > 0);
        let mut reasons: Vec<String> =
            counts.map(|(code, count)| format!("{} {}", text::count(count), cells::reason(code))).collect();
        reasons.extend(age.map(|age| format!("{age} ago")));
        reasons.join(", ")
    };
    let text = format!("{} refused", text::count(vitals.refused()));
    vec![
        Piece::styled(text, styles.bad.add_modifier(Modifier::BOLD)),
        Piece::styled(format!(" ({})", why.trim()), styles.bad),
    ]
}

/// All of it in one line.
fn small(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let mut pieces = vec![Piece::raw(" ")];
    pieces.extend(state(scene));
    pieces.push(Piece::raw(format!("  {} ev", text::short(model.sums().events))));
    pieces.extend(attachment::fault(scene));
    pieces.extend(relay::fault(scene));
    pieces.extend(forward::fault(scene));
    if model.vitals.pending > 0 {
        let text = format!("  {} {} unverified", styles.symbols.warn, text::short(model.vitals.pending));
        pieces.push(Piece::styled(text, styles.warn));
    }
    if model.vitals.refused() > 0 {
        let text = format!("  {} {} refused", styles.symbols.bad, text::short(model.vitals.refused()));
        pieces.push(Piece::styled(text, styles.bad));
    }
    let last = model.sums().last_received_at.map(|at| format!("  {} ago ", text::age(model.now.since(at))));
    let last = [Piece::styled(last.unwrap_or_default(), styles.dim)];
    let fits = draw::pieces_width(&pieces) + draw::pieces_width(&last) <= area.width;
    let used = if fits { draw::pieces_right(buf, area, &last, styles) } else { 0 };
    draw::pieces(buf, Rect { width: area.width - used, ..area }, &pieces, styles);
}

/// Where one is, and what is in force.
fn crumbs(buf: &mut Buffer, area: Rect, scene: Scene<'_>) {
    let (model, styles) = (scene.model, scene.styles);
    let mut pieces = vec![Piece::styled(format!(" {}", model.focus.title()), styles.accent(model.focus))];
    let last = model.levels.len();
    for (n, level) in model.levels.iter().enumerate() {
        let label = match level {
            Level::Assessment(level) => clean(&level.label),
            Level::Candidacy(level) if model.redact => mask::person(&level.candidate_id).into(),
            Level::Candidacy(level) => clean(&level.label),
            Level::Payload(level) => clean(&level.label),
            Level::Refusal(refusal) if refusal.pending => "unverified delivery".into(),
            Level::Refusal(_) => "refused delivery".into(),
        };
        pieces.push(Piece::styled(format!(" {} ", styles.symbols.crumb), styles.dim));
        pieces.push(Piece::styled(label, if n + 1 == last { styles.strong } else { styles.text }));
    }
    let mut force = Vec::new();
    if let Some(active) = &model.filter {
        force.push(Piece::styled(" filter ", styles.warn));
        force.push(Piece::styled(clean(&mask::filter(&active.text, model)).into_owned(), styles.strong));
        force.push(Piece::raw(" "));
    }
    let room = area.width / 2;
    let wide =
        draw::pieces_width(&force).min(room.max(area.width.saturating_sub(draw::pieces_width(&pieces))));
    let right = Rect { x: area.right() - wide, width: wide, ..area };
    draw::pieces(buf, right, &force, styles);
    draw::pieces(buf, Rect { width: area.width - wide, ..area }, &pieces, styles);
}
