//! What changed from one document to another, by path: added, removed, changed; the rest folded away.

use std::collections::{HashMap, VecDeque};

use super::tree::{Kind, Tree};

/// What happened to a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It holds rows that changed.
    Within,
    /// It was not there before.
    Added {
        /// Its spelling now.
        new: String,
    },
    /// It is no longer there.
    Removed {
        /// Its spelling before.
        old: String,
    },
    /// Its value is another.
    Changed {
        /// Its spelling before.
        old: String,
        /// Its spelling now.
        new: String,
        /// By how much, if both are numbers.
        by: Option<f64>,
    },
    /// So many siblings did not change.
    Same(usize),
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// How deep it stands.
    pub depth: u16,
    /// Its key, or its place in an array as `[2]`; empty for the document and for what did not change.
    pub label: String,
    /// What happened.
    pub change: Change,
}

/// Compares two documents. Equal ones give no lines.
///
/// Members of objects are aligned by key, elements of arrays by their `_id` or `id` where each has one, else
/// by place. Spellings are compared, so that `1.0` and `1` differ.
#[must_use]
pub fn compare(old: &Tree, new: &Tree) -> Vec<Line> {
    let mut lines = Vec::new();
    if old.is_json() && new.is_json() {
        Comparison { old, new }.value(0, 0, String::new(), 0, &mut lines);
    } else if old.text() != new.text() {
        let change = Change::Changed { old: old.text().to_owned(), new: new.text().to_owned(), by: None };
        lines.push(Line { depth: 0, label: String::new(), change });
    }
    lines
}

struct Comparison<'a> {
    old: &'a Tree,
    new: &'a Tree,
}

impl Comparison<'_> {
    /// Compares two values; true if anything differs.
    fn value(&self, before: u32, after: u32, label: String, depth: u16, lines: &mut Vec<Line>) -> bool {
        if same(self.old, before, self.new, after) {
            return false;
        }
        let (Some(was), Some(is)) = (self.old.row(before), self.new.row(after)) else { return false };
        if was.kind == is.kind && is.kind.is_container() {
            lines.push(Line { depth, label, change: Change::Within });
            self.members(before, after, is.kind, depth + 1, lines);
        } else {
            let (old, new) = (self.old.spelling(before), self.new.spelling(after));
            let number =
                |text: &str, kind| (kind == Kind::Number).then(|| text.parse::<f64>().ok()).flatten();
            let by = number(new, is.kind).zip(number(old, was.kind)).map(|(new, old)| new - old);
            let by = by.filter(|by| by.is_finite());
            let change = Change::Changed { old: old.to_owned(), new: new.to_owned(), by };
            lines.push(Line { depth, label, change });
        }
        true
    }

    fn members(&self, before: u32, after: u32, kind: Kind, depth: u16, lines: &mut Vec<Line>) {
        let named = kind == Kind::Array && identified(self.old, before) && identified(self.new, after);
        let name = |tree: &Tree, at: u32| {
            if named {
                identity(tree, at)
            } else {
                tree.row(at).and_then(|row| row.key.as_deref().map(str::to_owned))
            }
        };
        let place = |tree: &Tree, at: u32| tree.row(at).map_or(0, |row| row.place);
        let name = |tree: &Tree, at: u32| name(tree, at).unwrap_or_else(|| place(tree, at).to_string());
        // By name, each in document order: a body of a mebibyte must not be searched member by member.
        let mut gone: HashMap<String, VecDeque<u32>> = HashMap::new();
        for child in self.old.children(before) {
            gone.entry(name(self.old, child)).or_default().push_back(child);
        }
        let mut unchanged = 0;
        for child in self.new.children(after) {
            let label = label(self.new, child);
            let twin = gone.get_mut(&name(self.new, child)).and_then(VecDeque::pop_front);
            let at = lines.len();
            let changed = match twin {
                Some(old) => self.value(old, child, label, depth, lines),
                None => {
                    let change = Change::Added { new: self.new.spelling(child).to_owned() };
                    lines.push(Line { depth, label, change });
                    true
                }
            };
            if changed {
                same_run(lines, at, depth, &mut unchanged);
            } else {
                unchanged += 1;
            }
        }
        let end = lines.len();
        same_run(lines, end, depth, &mut unchanged);
        let mut gone: Vec<u32> = gone.into_values().flatten().collect();
        gone.sort_unstable();
        for old in gone {
            let change = Change::Removed { old: self.old.spelling(old).to_owned() };
            lines.push(Line { depth, label: label(self.old, old), change });
        }
    }
}

/// Puts the count of what did not change in front of what did.
fn same_run(lines: &mut Vec<Line>, at: usize, depth: u16, unchanged: &mut usize) {
    if *unchanged > 0 {
        lines.insert(at, Line { depth, label: String::new(), change: Change::Same(*unchanged) });
        *unchanged = 0;
    }
}

fn label(tree: &Tree, at: u32) -> String {
    let row = tree.row(at);
    row.map(|row| row.key.as_deref().map_or_else(|| format!("[{}]", row.place), str::to_owned))
        .unwrap_or_default()
}

/// Whether two values are the same but for blanks between their parts.
fn same(old: &Tree, before: u32, new: &Tree, after: u32) -> bool {
    let (Some(was), Some(is)) = (old.row(before), new.row(after)) else { return false };
    let (old_rows, new_rows) = (before..was.end, after..is.end);
    old_rows.len() == new_rows.len()
        && old_rows.zip(new_rows).enumerate().all(|(n, (a, b))| {
            let (Some(a_row), Some(b_row)) = (old.row(a), new.row(b)) else { return false };
            a_row.kind == b_row.kind
                && (n == 0 || a_row.key == b_row.key)
                && a_row.children == b_row.children
                && (a_row.kind.is_container() || old.spelling(a) == new.spelling(b))
        })
}

fn identity(tree: &Tree, at: u32) -> Option<String> {
    let mut members = tree.children(at);
    let id = members
        .find(|child| matches!(tree.row(*child).and_then(|row| row.key.as_deref()), Some("_id" | "id")))?;
    Some(tree.spelling(id).to_owned())
}

fn identified(tree: &Tree, at: u32) -> bool {
    tree.children(at).all(|child| identity(tree, child).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let lines = compare(&Tree::new(old.as_bytes()), &Tree::new(new.as_bytes()));
        let tell = |line: &Line| match &line.change {
            Change::Within => line.label.clone(),
            Change::Added { new } => format!("+{} {new}", line.label),
            Change::Removed { old } => format!("-{} {old}", line.label),
            Change::Changed { old, new, by } => {
                format!(
                    "{} {old} → {new}{}",
                    line.label,
                    by.map(|by| format!(" ({by:+})")).unwrap_or_default()
                )
            }
            Change::Same(count) => format!("{count} same"),
        };
        lines.iter().map(tell).collect()
    }

    #[test]
    fn tells_what_changed_by_path() {
        let old = r#"{"a":1,"b":{"tabs":2,"x":[1,2]},"c":"s","d":0}"#;
        let new = r#"{"a":1,"b":{"tabs":5,"x":[1,3,4]},"d":0,"e":null}"#;
        let expected = [
            "",
            "1 same",
            "b",
            "tabs 2 → 5 (+3)",
            "x",
            "1 same",
            "[1] 2 → 3 (+1)",
            "+[2] 4",
            "1 same",
            "+e null",
            "-c \"s\"",
        ];
        assert_eq!(told(old, new), expected);
        assert!(told(old, &old.replace(',', " ,\n")).is_empty(), "blanks do not matter");
    }

    #[test]
    fn elements_with_ids_are_aligned_by_them() {
        let old = r#"[{"_id":"p","n":1},{"_id":"q","n":2}]"#;
        let new = r#"[{"_id":"q","n":2},{"_id":"p","n":9}]"#;
        assert_eq!(told(old, new), ["", "1 same", "[1]", "1 same", "n 1 → 9 (+8)"]);
    }

    #[test]
    fn a_long_list_in_another_order_is_compared_at_once() {
        let list = |ids: &mut dyn Iterator<Item = u32>| {
            let elements: Vec<_> = ids.map(|id| format!("{{\"_id\":\"{id}\"}}")).collect();
            Tree::new(format!("[{}]", elements.join(",")).as_bytes())
        };
        let lines = compare(&list(&mut (0..60_000)), &list(&mut (0..60_000).rev()));
        assert_eq!(lines.len(), 2, "all is the same but for the order");
        assert_eq!(
            told("[1e400]", "[0]"),
            ["", "[0] 1e400 → 0"],
            "what is beyond any number has no difference"
        );
    }

    fn document() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(serde_json::Value::from),
            (0..4).prop_map(serde_json::Value::from)
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn only_different_documents_differ(old in document(), new in document()) {
            let trees = (Tree::new(old.to_string().as_bytes()), Tree::new(new.to_string().as_bytes()));
            let count = |lines: &[Line], of: fn(&Change) -> bool| lines.iter().filter(|line| of(&line.change)).count();
            let (there, back) = (compare(&trees.0, &trees.1), compare(&trees.1, &trees.0));
            prop_assert_eq!(there.is_empty(), old == new);
            let added = |change: &Change| matches!(change, Change::Added { .. });
            let removed = |change: &Change| matches!(change, Change::Removed { .. });
            prop_assert_eq!(count(&there, added), count(&back, removed));
        }
    }
}
