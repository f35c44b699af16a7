//! The themes at hand, and the styles of each on this terminal.

use crate::ui::styles::Styles;
use crate::ui::theme::{Depth, Theme};

/// Every theme there is, by name.
pub struct Wardrobe {
    /// Names and themes.
    pub themes: Vec<(String, Theme)>,
    /// How many colours the terminal shows.
    pub depth: Depth,
    /// Only ASCII is shown.
    pub ascii: bool,
}

impl Wardrobe {
    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.themes.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The styles of a theme.
    #[must_use]
    pub fn styles(&self, name: &str) -> Styles {
        let theme = self.themes.iter().find(|(known, _)| known == name).map(|(_, theme)| theme.clone());
        Styles::new(&theme.unwrap_or_default(), self.depth, self.ascii)
    }
}
