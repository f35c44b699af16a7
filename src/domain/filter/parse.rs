//! Reading the filter language; an error says where and why.

use super::super::delivery::Source;
use super::super::event::Status;
use super::super::proctoring::{Flag, ViolationKind};
use super::super::time::Timestamp;
use super::{Compare, Filter, Is, Term, When};

/// The keys a term may begin with, each with an example of its value, for help and completion.
pub const KEYS: [(&str, &str); 12] = [
    ("type:", "candidate.completed"),
    ("event:", "completed"),
    ("assessment:", "NAME or ID"),
    ("candidate:", "NAME, E-MAIL or ID"),
    ("status:", "in_progress"),
    ("flag:", "red"),
    ("violation:", "tab_switch>=3"),
    ("score", "<50"),
    ("source:", "relay"),
    ("is:", "duplicate"),
    ("since:", "15m"),
    ("until:", "2026-11-23T18:00Z"),
];

/// How deep brackets may nest: far beyond what anyone types.
const MAX_NESTING: usize = 40;

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (column {column})")]
pub struct ParseError {
    /// What is wrong and what would be right.
    pub what: String,
    /// Where, in characters from 1.
    pub column: usize,
}

/// Reads a filter. An empty text chooses everything.
///
/// # Errors
/// If the text is no filter; the error has the column and what would be right.
pub fn parse(text: &str) -> Result<Filter, ParseError> {
    let mut parser = Parser { chars: text.chars().collect(), at: 0, nesting: 0 };
    let filter = parser.any()?;
    match parser.peek() {
        None => Ok(filter),
        Some(_) => fail(parser.at, "this bracket closes nothing"),
    }
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    nesting: usize,
}

fn fail<T>(at: usize, what: impl Into<String>) -> Result<T, ParseError> {
    Err(ParseError { what: what.into(), column: at + 1 })
}

/// A text as it was typed: where it began, and whether quotes make it a text whatever it holds.
struct Typed {
    text: String,
    from: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn any(&mut self) -> Result<Filter, ParseError> {
        let mut parts = vec![self.all()?];
        while self.or() {
            parts.push(self.all()?);
        }
        if parts.len() > 1 && parts.iter().any(Filter::is_empty) {
            return fail(self.at, "OR needs something on both sides");
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
    }

    fn or(&mut self) -> bool {
        self.blanks();
        let word: String = self.chars.iter().skip(self.at).take(2).collect();
        let ends = self.chars.get(self.at + 2).is_none_or(|c| c.is_whitespace() || *c == '(');
        let or = word == "OR" && ends;
        if or {
            self.at += 2;
        }
        or
    }

    fn all(&mut self) -> Result<Filter, ParseError> {
        let mut parts = Vec::new();
        loop {
            self.blanks();
            let here = self.at;
            if self.peek().is_none() || self.peek() == Some(')') {
                break;
            }
            if self.or() {
                self.at = here;
                break;
            }
            parts.push(self.part()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
    }

    fn part(&mut self) -> Result<Filter, ParseError> {
        let here = self.at;
        match self.peek() {
            Some('-') => {
                self.at += 1;
                if self.peek().is_none_or(char::is_whitespace) {
                    return fail(here, "`-` needs something to leave out right behind it");
                }
                self.nested(here, |parser| Ok(Filter::Not(Box::new(parser.part()?))))
            }
            Some('(') => {
                self.at += 1;
                self.nested(here, |parser| {
                    let inner = parser.any()?;
                    if parser.peek() != Some(')') {
                        return fail(here, "this bracket is not closed");
                    }
                    parser.at += 1;
                    Ok(inner)
                })
            }
            _ => Ok(Filter::Term(self.term()?)),
        }
    }

    fn nested(
        &mut self,
        here: usize,
        inner: impl FnOnce(&mut Self) -> Result<Filter, ParseError>,
    ) -> Result<Filter, ParseError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return fail(here, "nested too deeply");
        }
        let filter = inner(self)?;
        self.nesting -= 1;
        Ok(filter)
    }

    fn term(&mut self) -> Result<Term, ParseError> {
        let from = self.at;
        if self.peek() == Some('"') {
            return Ok(Term::Word(self.text("")?.text));
        }
        let word = self.text(":<>=")?;
        match self.peek() {
            Some(':') if word.text == "score" => {
                self.at += 1;
                self.score()
            }
            Some(':') => {
                self.at += 1;
                self.keyed(&word)
            }
            Some('<' | '>' | '=') if word.text == "score" => self.score(),
            Some('<' | '>' | '=') => fail(
                self.at,
                "only `score` and `violation:KIND` can be compared; quote the text to search for it",
            ),
            _ if word.text.is_empty() => fail(from, "expected a word"),
            _ => Ok(Term::Word(word.text)),
        }
    }

    fn keyed(&mut self, key: &Typed) -> Result<Term, ParseError> {
        let stops = if key.text == "violation" { "<>=" } else { "" };
        let value = self.text(stops)?;
        if value.text.is_empty() {
            return fail(value.from, format!("`{}:` needs a value right behind it", key.text));
        }
        Ok(match key.text.as_str() {
            "type" => Term::Type(value.text),
            "event" => Term::Event(value.text),
            "assessment" => Term::Assessment(value.text),
            "candidate" => Term::Candidate(value.text),
            "status" => Term::Status(word("status", &value, &Status::ALL, Status::word)?),
            "flag" => Term::Flag(word("flag", &value, &Flag::ALL, Flag::word)?),
            "source" => Term::Source(word("source", &value, &Source::ALL, Source::word)?),
            "is" => Term::Is(word("property", &value, &Is::ALL, Is::word)?),
            "since" => Term::Since(when(&value)?),
            "until" => Term::Until(when(&value)?),
            "violation" => {
                let kind = word("violation", &value, &ViolationKind::ALL, ViolationKind::word)?;
                if matches!(self.peek(), Some('<' | '>' | '=')) {
                    let (compare, number) = self.comparison()?;
                    let Ok(count) = number.text.parse() else {
                        return fail(number.from, "expected a whole number, like 3");
                    };
                    Term::Violation(kind, compare, count)
                } else {
                    Term::Violation(kind, Compare::AtLeast, 1)
                }
            }
            other => {
                let keys: Vec<_> = KEYS.iter().map(|(key, _)| key.trim_end_matches(':')).collect();
                let near =
                    nearest(other, &keys).map_or_else(String::new, |key| format!(", did you mean `{key}`?"));
                let what = format!(
                    "no key `{other}`{near} Keys: {}. Quote a text that has a colon",
                    keys.join(", ")
                );
                return fail(key.from, what.replace("` Keys", "`. Keys"));
            }
        })
    }

    fn score(&mut self) -> Result<Term, ParseError> {
        let (compare, number) = self.comparison()?;
        match number.text.parse::<f64>() {
            Ok(bound) if bound.is_finite() => Ok(Term::Score(compare, bound)),
            _ => fail(number.from, "expected a number, like 50"),
        }
    }

    fn comparison(&mut self) -> Result<(Compare, Typed), ParseError> {
        let rest: String = self.chars.iter().skip(self.at).take(2).collect();
        let Some(compare) = Compare::ALL.into_iter().find(|compare| rest.starts_with(compare.symbol()))
        else {
            return fail(self.at, "expected <, <=, =, >= or > and a number");
        };
        self.at += compare.symbol().len();
        Ok((compare, self.text("")?))
    }

    /// A bare text up to a blank, a bracket or one of `stops`, or a quoted one.
    fn text(&mut self, stops: &str) -> Result<Typed, ParseError> {
        let from = self.at;
        let mut text = String::new();
        if self.peek() != Some('"') {
            while let Some(c) =
                self.peek().filter(|c| !c.is_whitespace() && !"()".contains(*c) && !stops.contains(*c))
            {
                text.push(c);
                self.at += 1;
            }
            return Ok(Typed { text, from });
        }
        self.at += 1;
        loop {
            let next = self.peek();
            self.at += 1;
            match next {
                None => return fail(from, "this quote is not closed"),
                Some('"') => return Ok(Typed { text, from }),
                Some('\\') => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                Some(c) => text.push(c),
            }
        }
    }
}

fn word<T: Copy>(
    what: &str,
    value: &Typed,
    all: &[T],
    spell: impl Fn(T) -> &'static str,
) -> Result<T, ParseError> {
    let wanted = value.text.to_lowercase();
    let wanted = if wanted == "unrecognized" { "unrecognised" } else { &wanted };
    if let Some(found) = all.iter().copied().find(|one| spell(*one) == wanted) {
        return Ok(found);
    }
    let words: Vec<_> = all.iter().map(|one| spell(*one)).collect();
    fail(value.from, format!("no {what} `{}`; one of {}", value.text, words.join(", ")))
}

fn when(value: &Typed) -> Result<When, ParseError> {
    let text = value.text.as_str();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let millis = match unit {
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    if let (Some(unit), Ok(number)) = (millis, digits.parse::<i64>())
        && let Some(ago) = number.checked_mul(unit)
    {
        return Ok(When::Ago(ago));
    }
    let time = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00Z")));
    match time {
        Some(time) => Ok(When::At(time)),
        None => fail(
            value.from,
            "expected a time like 15m, 2h, 3d, 2026-11-23 or 2026-11-23T18:00Z, from 1970 to 9999-12-30",
        ),
    }
}

/// The word of `all` nearest to what was typed, if any is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, all: &[&'a str]) -> Option<&'a str> {
    let near = all.iter().map(|word| (distance(typed, word), *word)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= typed.chars().count().div_ceil(3)).then_some(near.1)
}

/// How many letters must be put in, left out or changed to come from one word to the other.
#[must_use]
pub fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.chars().enumerate() {
        let mut corner = n;
        let mut left = n + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&to) {
            let above = *cell;
            left = (corner + usize::from(a != *b)).min(above + 1).min(left + 1);
            corner = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_form_of_the_language() {
        let typed = r#"word "two words" type:candidate.completed event:completed assessment:"Backend E" candidate:a@b.c
            status:in_progress flag:red violation:tab_switch violation:tab_switch>=3 score<50 is:unrecognised is:duplicate
            is:unverified since:15m until:2026-11-23T18:00Z -negated (a OR b) source:relay"#;
        let Filter::All(parts) = parse(typed).unwrap() else { panic!("one list") };
        assert_eq!(parts.len(), 19);
        assert_eq!(parts[8], Filter::Term(Term::Violation(ViolationKind::TabSwitch, Compare::AtLeast, 1)));
        assert_eq!(parts[10], Filter::Term(Term::Score(Compare::Less, 50.0)));
        assert_eq!(parts[14], Filter::Term(Term::Since(When::Ago(900_000))));
        assert!(matches!(&parts[16], Filter::Not(_)));
        assert!(matches!(&parts[17], Filter::Any(parts) if parts.len() == 2));
        assert_eq!(parts[18], Filter::Term(Term::Source(Source::Relay)));
        assert!(parse("  ").unwrap().is_empty());
    }

    #[test]
    fn an_error_says_where_and_what_would_be_right() {
        let wrong = |text: &str| parse(text).unwrap_err();
        let cases = [
            ("statsu:completed", 1, "did you mean `status`?"),
            ("a status:done", 10, "one of invited, "),
            ("score<many", 7, "expected a number"),
            ("violation:tab_switch>=x", 23, "whole number"),
            ("(a b", 1, "not closed"),
            ("a)", 2, "closes nothing"),
            ("a OR ", 6, "both sides"),
            ("\"open", 1, "not closed"),
            ("since:soon", 7, "expected a time"),
            ("flag:", 6, "needs a value"),
            ("x - y", 3, "right behind it"),
            ("name=3", 5, "only `score`"),
        ];
        for (text, column, part) in cases {
            let error = wrong(text);
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.what.contains(part), "{text}: {error}");
        }
        assert!(wrong(&"(".repeat(5000)).what.contains("deeply"));
    }

    fn filter() -> impl Strategy<Value = Filter> {
        let text = "[ -~é]{1,8}";
        let compare = || proptest::sample::select(&Compare::ALL[..]);
        let term = prop_oneof![
            text.prop_map(Term::Word),
            text.prop_map(Term::Type),
            text.prop_map(Term::Candidate),
            proptest::sample::select(&Status::ALL[..]).prop_map(Term::Status),
            proptest::sample::select(&Flag::ALL[..]).prop_map(Term::Flag),
            proptest::sample::select(&Is::ALL[..]).prop_map(Term::Is),
            (proptest::sample::select(&ViolationKind::ALL[..]), compare(), 0u32..9)
                .prop_map(|(kind, compare, count)| Term::Violation(kind, compare, count)),
            (compare(), -5.0..105.0).prop_map(|(compare, bound)| Term::Score(compare, bound)),
            (1i64..1000).prop_map(|secs| Term::Since(When::Ago(secs * 1000))),
            (0i64..4_000_000_000_000)
                .prop_map(|millis| Term::Until(When::At(Timestamp::from_millis(millis).unwrap_or_default()))),
        ];
        let leaf = term.prop_map(Filter::Term);
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
                proptest::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
                inner.prop_map(|part| Filter::Not(Box::new(part))),
            ]
        })
    }

    #[test]
    fn a_time_is_read_or_refused_as_the_sender_s_is() {
        for (text, taken) in [
            ("until:9999-12-30", true),
            ("until:9999-12-30T22:00:00Z", true),
            ("until:9999-12-31", false),
            ("until:9999-12-31T23:59:59Z", false),
            ("since:1969-12-31", false),
        ] {
            let told = parse(text).map_err(|error| error.to_string());
            assert_eq!(told.is_ok(), taken, "{told:?}");
            assert!(told.err().is_none_or(|why| why.contains("from 1970 to 9999-12-30")), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_it_prints_reads_as_the_same(filter in filter()) {
            let printed = filter.to_string();
            prop_assert_eq!(parse(&printed), Ok(filter), "{}", printed);
        }

        #[test]
        fn any_text_is_a_filter_or_an_error(text in "\\PC{0,40}") {
            if let Err(error) = parse(&text) {
                prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
            }
        }
    }
}
