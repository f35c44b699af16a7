//! Which containers of a tree are open, and which rows show because of it.

use super::tree::Tree;

/// A document of more rows begins with its inner parts folded.
const SHOWN_WHOLE: usize = 400;
/// How deep such a document is open at first.
const FIRST_DEPTH: u16 = 2;

/// Folds of one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    open: Vec<bool>,
    visible: Vec<u32>,
}

impl Folds {
    /// As a document is first shown: whole if it is short, else its upper levels.
    #[must_use]
    pub fn new(tree: &Tree) -> Self {
        let whole = tree.rows().len() <= SHOWN_WHOLE;
        let open = tree.rows().iter().map(|row| whole || row.depth < FIRST_DEPTH).collect();
        let mut folds = Self { open, visible: Vec::new() };
        folds.refresh(tree);
        folds
    }

    fn refresh(&mut self, tree: &Tree) {
        self.visible.clear();
        let mut at = 0;
        while let Some(row) = tree.row(at) {
            self.visible.push(at);
            at = if row.kind.is_container() && !self.is_open(at) { row.end } else { at + 1 };
        }
    }

    /// The rows that show, in order.
    #[must_use]
    pub fn visible(&self) -> &[u32] {
        &self.visible
    }

    /// Whether a container shows what it holds.
    #[must_use]
    pub fn is_open(&self, at: u32) -> bool {
        self.open.get(at as usize).copied().unwrap_or_default()
    }

    /// Where a row stands among those that show; for a hidden one, where the container that hides it stands.
    #[must_use]
    pub fn place(&self, at: u32) -> usize {
        self.visible.partition_point(|row| *row <= at).saturating_sub(1)
    }

    /// Opens or folds one container.
    pub fn set(&mut self, tree: &Tree, at: u32, open: bool) {
        if let Some(slot) = self.open.get_mut(at as usize) {
            *slot = open;
        }
        self.refresh(tree);
    }

    /// Opens a folded container, folds an open one.
    pub fn toggle(&mut self, tree: &Tree, at: u32) {
        let open = !self.is_open(at);
        self.set(tree, at, open);
    }

    /// Opens or folds every container; the document itself stays open.
    pub fn set_all(&mut self, tree: &Tree, open: bool) {
        self.open.iter_mut().skip(1).for_each(|slot| *slot = open);
        self.refresh(tree);
    }

    /// Opens or folds a row and all its siblings.
    pub fn set_siblings(&mut self, tree: &Tree, at: u32, open: bool) {
        let Some(parent) = tree.row(at).and_then(|row| row.parent) else { return self.set(tree, at, open) };
        for sibling in tree.children(parent) {
            if let Some(slot) = self.open.get_mut(sibling as usize) {
                *slot = open;
            }
        }
        self.refresh(tree);
    }

    /// Opens whatever hides a row.
    pub fn reveal(&mut self, tree: &Tree, at: u32) {
        let mut parent = tree.row(at).and_then(|row| row.parent);
        while let Some(up) = parent {
            if let Some(slot) = self.open.get_mut(up as usize) {
                *slot = true;
            }
            parent = tree.row(up).and_then(|row| row.parent);
        }
        self.refresh(tree);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BODY: &[u8] = include_bytes!("../../assets/samples/candidate.completed.json");

    proptest! {
        #[test]
        fn a_row_shows_if_all_that_hold_it_are_open(toggles in proptest::collection::vec(0u32..150, 0..30)) {
            let tree = Tree::new(BODY);
            let mut folds = Folds::new(&tree);
            for at in &toggles {
                folds.toggle(&tree, *at);
            }
            for at in 0..tree.rows().len() as u32 {
                let mut shows = true;
                let mut parent = tree.row(at).and_then(|row| row.parent);
                while let Some(up) = parent {
                    shows &= folds.is_open(up);
                    parent = tree.row(up).and_then(|row| row.parent);
                }
                prop_assert_eq!(folds.visible().binary_search(&at).is_ok(), shows);
            }
            for at in toggles.iter().rev() {
                folds.toggle(&tree, *at);
            }
            prop_assert_eq!(folds, Folds::new(&tree), "folding twice changes nothing");
        }

        #[test]
        fn a_revealed_row_shows(at in 0u32..150) {
            let tree = Tree::new(BODY);
            let mut folds = Folds::new(&tree);
            folds.set_all(&tree, false);
            let at = at % tree.rows().len() as u32;
            folds.reveal(&tree, at);
            prop_assert_eq!(folds.visible().get(folds.place(at)), Some(&at));
        }
    }
}
