//! Searching a tree: keys and values, without regard to case unless the word has capitals.

use super::tree::Tree;

/// Everything one search found, in document order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    rows: Vec<u32>,
}

impl Hits {
    /// Searches keys and scalar values, escapes resolved. An empty word finds nothing.
    #[must_use]
    pub fn of(tree: &Tree, word: &str) -> Self {
        if word.is_empty() {
            return Self::default();
        }
        let all = 0..tree.rows().len() as u32;
        Self { rows: all.filter(|at| row_matches(tree, *at, word)).collect() }
    }

    /// The rows found.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// The next one after a row, from the top again after the last.
    #[must_use]
    pub fn after(&self, at: u32) -> Option<u32> {
        self.rows.iter().copied().find(|row| *row > at).or_else(|| self.rows.first().copied())
    }

    /// The one before a row, from the bottom again before the first.
    #[must_use]
    pub fn before(&self, at: u32) -> Option<u32> {
        self.rows.iter().copied().rev().find(|row| *row < at).or_else(|| self.rows.last().copied())
    }

    /// Which hit a row is, from 1.
    #[must_use]
    pub fn number(&self, at: u32) -> Option<usize> {
        self.rows.binary_search(&at).ok().map(|place| place + 1)
    }
}

fn row_matches(tree: &Tree, at: u32, word: &str) -> bool {
    let Some(row) = tree.row(at) else { return false };
    let key = row.key.as_deref().is_some_and(|key| contains(key, word));
    key || (!row.kind.is_container() && contains(&tree.scalar(at), word))
}

/// Whether a text holds a word; capitals in the word must match, small letters match both.
#[must_use]
pub fn contains(text: &str, word: &str) -> bool {
    if word.chars().any(char::is_uppercase) {
        text.contains(word)
    } else {
        text.to_lowercase().contains(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_keys_and_values_and_goes_round() {
        let tree = Tree::new(br#"{"Tab":1,"x":["tab\u0020bed","no"],"table":{}}"#);
        let hits = Hits::of(&tree, "tab");
        assert_eq!(hits.rows(), [1, 3, 5]);
        assert_eq!((hits.after(1), hits.after(5), hits.before(1)), (Some(3), Some(1), Some(5)));
        assert_eq!((hits.number(3), hits.number(4)), (Some(2), None));
        assert_eq!(Hits::of(&tree, "Tab").rows(), [1]);
        assert_eq!(Hits::of(&tree, "tab bed").rows(), [3]);
        assert!(Hits::of(&tree, "").rows().is_empty());
    }
}
