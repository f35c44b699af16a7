//! Everything a user can want, in one table: its name for the keymap, its sentence for help, its group.
//!
//! Dispatch, footer, which-key box, help, palette and the README's table all come from here and from the
//! keymap; nothing about a key is written twice.

use std::fmt;

use super::keymap::Context;

/// What an action is about; help lists them under these heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Getting around.
    Move,
    /// Finding and narrowing down.
    Find,
    /// Things to do with a row or a payload.
    Act,
    /// Inside a payload.
    Payload,
    /// How things look.
    Look,
    /// The program itself.
    Program,
    /// While typing.
    Typing,
}

impl Group {
    /// Every group, in the order help shows them.
    pub const ALL: [Self; 7] =
        [Self::Move, Self::Find, Self::Act, Self::Payload, Self::Look, Self::Program, Self::Typing];

    /// The head in help.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "Getting around",
            Self::Find => "Finding",
            Self::Act => "Doing",
            Self::Payload => "In a payload",
            Self::Look => "Looks",
            Self::Program => "Program",
            Self::Typing => "While typing",
        }
    }
}

macro_rules! actions {
    ($($variant:ident, $name:literal, $hint:literal, $group:ident, $sentence:literal;)+) => {
        /// Something the user can want.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $(#[doc = $sentence] $variant,)+ }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name the keymap file uses.
            #[must_use]
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name),+ } }

            /// One or two words for the footer.
            #[must_use]
            pub fn hint(self, context: Context) -> &'static str {
                match (self, context) {
                    (Self::NextView, Context::Payload) => "next event",
                    (Self::Accept, Context::Palette) => "run",
                    (Self::Cancel, Context::Palette) => "close",
                    (Self::Older | Self::Newer, Context::Palette) => "move",
                    $((Self::$variant, _) => $hint),+
                }
            }

            /// What it does, for help and the palette.
            #[must_use]
            pub fn sentence(self) -> &'static str { match self { $(Self::$variant => $sentence),+ } }

            /// What it is about.
            #[must_use]
            pub fn group(self) -> Group { match self { $(Self::$variant => Group::$group),+ } }

            /// The action with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

actions! {
    Down, "down", "down", Move, "One row down";
    Up, "up", "up", Move, "One row up";
    First, "first", "newest", Move, "To the first row, and stay with the newest";
    Last, "last", "last", Move, "To the last row";
    HalfDown, "half-page-down", "½ page", Move, "Half a page down";
    HalfUp, "half-page-up", "½ page", Move, "Half a page up";
    PageDown, "page-down", "page", Move, "A page down";
    PageUp, "page-up", "page", Move, "A page up";
    Open, "open", "open", Move, "Drill in: assessment, its candidates, their events, the payload";
    Back, "back", "back", Move, "Back to where you came from";
    PaneAssessments, "pane-assessments", "pane", Move, "To the pane Assessments";
    PaneCandidates, "pane-candidates", "pane", Move, "To the pane Candidates";
    PaneViolations, "pane-violations", "pane", Move, "To the pane Violations";
    PaneEvents, "pane-events", "pane", Move, "To the pane Events";
    NextPane, "next-pane", "pane", Move, "To the next pane";
    PreviousPane, "previous-pane", "pane", Move, "To the pane before";
    NextView, "next-view", "view", Move, "Candidates: next view (in test, not started, …); payload: next event";
    PreviousView, "previous-view", "view", Move, "Candidates: view before (red, disqualified, …); payload: event before";
    ByCandidate, "by-candidate", "grouped", Move, "Violations by candidate, worst first, or back to them as they come";
    Search, "search", "search", Find, "Search for a word in this list or payload, or in whole bodies";
    NextMatch, "next-match", "match", Find, "To the next match";
    PreviousMatch, "previous-match", "match", Find, "To the match before";
    Filter, "filter", "filter", Find, "Show only what a filter chooses, in every pane";
    NextProblem, "next-problem", "problem", Find, "To the next problem: violation, refusal, unrecognised";
    PreviousProblem, "previous-problem", "problem", Find, "To the problem before";
    NextMark, "next-mark", "mark", Find, "To the next mark";
    PreviousMark, "previous-mark", "mark", Find, "To the mark before";
    Mark, "mark", "mark", Act, "Mark this event, or take the mark away";
    Diff, "diff", "changes", Act, "What changed since the candidate's event before";
    CopyBody, "copy-body", "body", Act, "Copy the body as it came";
    CopyId, "copy-id", "id", Act, "Copy the id";
    CopyPath, "copy-path", "JSON path", Act, "Copy the path of this line in the payload";
    CopyCurl, "copy-curl", "curl", Act, "Copy a curl command that sends it again";
    OpenLink, "open-link", "link", Act, "Open the link, after showing its host";
    Replay, "replay", "replay", Act, "Send this event to --forward-to again, or all that the filter shows";
    Save, "save", "save", Act, "Save the session, or what the filter chooses, as JSON";
    Sort, "sort", "sort", Look, "Change the order of this list";
    Fold, "fold", "fold", Payload, "Fold or unfold this part";
    FoldAll, "fold-all", "fold all", Payload, "Fold everything";
    UnfoldAll, "unfold-all", "unfold all", Payload, "Unfold everything";
    FoldSiblings, "fold-siblings", "siblings", Payload, "Fold or unfold the parts beside this one";
    Wrap, "wrap", "wrap", Payload, "Wrap long strings, or cut them";
    Decode, "decode", "decode", Payload, "Decode base64 inside this string";
    Raw, "raw", "raw", Payload, "The body as it came, or as a tree";
    Envelope, "headers", "headers", Payload, "Show or hide verdict and headers";
    Pause, "pause", "pause", Look, "Hold the screen still, or follow again";
    Zoom, "zoom", "zoom", Look, "This pane alone, or all of them";
    Redact, "redact", "redact", Look, "Hide names, e-mails and addresses on the screen at once";
    Times, "times", "times", Look, "Ages, or times of day";
    Theme, "theme", "theme", Look, "Next theme";
    Mouse, "mouse", "mouse", Look, "Take the mouse, or leave it for selecting text";
    Help, "help", "help", Program, "All keys";
    Palette, "palette", "palette", Program, "Find an action by typing";
    Secret, "secret", "secret", Program, "Enter the endpoint's secret";
    CopyUrl, "copy-url", "copy URL", Program, "Copy the webhook URL for Testlify";
    CopyRelayUrl, "copy-relay-url", "relay URL", Program, "Copy the relay's public URL for Testlify";
    Suspend, "suspend", "suspend", Program, "Stop the program for a moment (fg brings it back)";
    Leave, "leave", "back/quit", Program, "Back, and from the start screen quit";
    Quit, "quit", "quit", Program, "Quit at once";
    Accept, "accept", "ok", Typing, "Take what is typed or chosen";
    Cancel, "cancel", "cancel", Typing, "Close without doing anything";
    Complete, "complete", "complete", Typing, "Complete the word, or take the next choice";
    Older, "older", "older", Typing, "What was typed before; the choice above";
    Newer, "newer", "newer", Typing, "What was typed after; the choice below";
    Toggle, "toggle", "switch", Typing, "Search: whole bodies, or names, ids and titles; save: what the filter chooses, or everything";
    Confirm, "confirm", "yes", Typing, "Yes, do it";
    ConfirmOne, "confirm-one", "this one", Typing, "Only with what is under the cursor";
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(*action), "{action}");
            assert!(
                !action.sentence().ends_with('.') && action.hint(Context::Payload).chars().count() <= 10,
                "{action}"
            );
        }
    }
}
