//! A filter as it may be shown to everybody: what may name a person in it cannot be read.

use super::KEYS;

/// The text with a sign in place of each character of what may name a person: the value of `candidate:`, words
/// without a key, and every value with an `@`. A text that is no filter yet is treated alike; of one that is being
/// `typed`, the last word can be read as long as it may become a key.
#[must_use]
pub fn veiled(text: &str, sign: char, typed: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_whitespace() || "()-".contains(c) {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let key = KEYS.iter().map(|(key, _)| *key).find(|key| begins(rest, key)).unwrap_or_default();
        let (_, behind) = rest.split_at(key.len());
        let (value, behind) = behind.split_at(length(behind));
        let harmless = match key {
            "" => {
                let begun = typed && behind.is_empty();
                value == "OR" || begun && KEYS.iter().any(|(key, _)| key.starts_with(value))
            }
            key => key != "candidate:" && !value.contains('@'),
        };
        out.push_str(key);
        out.extend(value.chars().map(|c| if harmless { c } else { sign }));
        rest = behind;
    }
    out
}

/// `score` is a key only in front of a comparison.
fn begins(text: &str, key: &str) -> bool {
    let behind = text.strip_prefix(key);
    behind.is_some_and(|behind| key.ends_with(':') || behind.starts_with([':', '<', '>', '=']))
}

/// How long a value is: to its closing quote, or to the next blank or bracket.
fn length(text: &str) -> usize {
    if !text.starts_with('"') {
        return text.find(|c: char| c.is_whitespace() || "()".contains(c)).unwrap_or(text.len());
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Filter, Term, parse};
    use super::*;

    #[test]
    fn what_may_name_a_person_cannot_be_read() {
        for (text, shown) in [
            ("candidate:ada1@example.com", "candidate:****************"),
            ("flag:red -candidate:\"Ada \\\"L\" score>60", "flag:red -candidate:********* score>60"),
            ("(Ada OR event:completed) is:marked", "(*** OR event:completed) is:marked"),
            ("type:\"x\"ada scores", "type:\"x\"*** ******"),
            ("assessment:\"Backend Engineer\" since:15m", "assessment:\"Backend Engineer\" since:15m"),
            (
                "assessment:ada@example.com violation:tab_switch>=3",
                "assessment:*************** violation:tab_switch>=3",
            ),
            ("event:x\"y ada\"", "event:x\"y ****"),
            ("name:李", "******"),
            ("cand", "****"),
            ("\"flag:red ada", "*************"),
        ] {
            assert_eq!(veiled(text, '*', false), shown);
        }
        for (typed, shown) in
            [("eve", "eve"), ("is:marked eve", "is:marked eve"), ("eve ", "*** "), ("ada", "***")]
        {
            assert_eq!(veiled(typed, '*', true), shown);
        }
    }

    fn people(filter: &Filter) -> Vec<&str> {
        match filter {
            Filter::All(parts) | Filter::Any(parts) => parts.iter().flat_map(people).collect(),
            Filter::Not(part) => people(part),
            Filter::Term(Term::Word(text) | Term::Candidate(text)) => vec![text],
            Filter::Term(_) => Vec::new(),
        }
    }

    proptest! {
        /// What is read as a name is nowhere to be read, however it is written.
        #[test]
        fn no_name_is_left(text in "(flag:red|event:|candidate:|score|[<=]|OR|ADA|李|\"|\\\\|-|\\(|\\)| ){0,24}") {
            let shown = veiled(&text, '*', false);
            prop_assert_eq!(shown.chars().count(), text.chars().count());
            if let Ok(filter) = parse(&text) {
                let named = people(&filter).iter().map(|name| name.matches("ADA").count()).sum::<usize>();
                let all = text.matches("ADA").count();
                prop_assert!(shown.matches("ADA").count() <= all - named, "{} as {}", text, shown);
            }
        }
    }
}
