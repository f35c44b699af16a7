//! Events: the thirteen kinds Testlify sends, and what invigil reads out of a body.

use std::fmt;

use super::proctoring::Signals;
use super::time::Timestamp;

macro_rules! kinds {
    ($($variant:ident, $name:literal, $about:literal;)+) => {
        /// The kinds of event Testlify's catalog lists (webhooks v2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum EventKind { $(#[doc = $about] $variant,)+ }

        impl EventKind {
            /// Every kind, in the order of a rollout.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The full name, like `candidate.completed`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The kind with this full name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

kinds! {
    AssessmentCreated, "assessment.created", "An assessment was built.";
    AssessmentUpdated, "assessment.updated", "An assessment was changed.";
    AssessmentArchived, "assessment.archived", "An assessment was closed.";
    AssessmentDeleted, "assessment.deleted", "An assessment was removed.";
    Invited, "candidate.invited", "An invitation was sent.";
    InvitationExpired, "candidate.invitation_expired", "An invitation ran out unused.";
    Enrolled, "candidate.enrolled", "The candidate opened it and filled in their details.";
    InProgress, "candidate.in_progress", "The candidate is answering.";
    Completed, "candidate.completed", "The candidate submitted.";
    Disqualified, "candidate.disqualified", "A limit was passed or a qualifying answer failed.";
    ScoreUpdated, "candidate.score_updated", "A score came or changed; says nothing of the status.";
    InvitedForInterview, "candidate.invited_for_interview", "The candidate goes on.";
    Rejected, "candidate.rejected", "The candidate does not go on.";
}

impl EventKind {
    /// The status a candidacy has after it, if it says one.
    #[must_use]
    pub fn status(self) -> Option<Status> {
        Status::ALL.iter().copied().find(|status| status.kind() == self)
    }

    /// The second half of the name: what the vendor calls `event`.
    #[must_use]
    pub fn event(self) -> &'static str {
        self.name().split_once('.').map_or(self.name(), |(_, event)| event)
    }

    /// True for the four that speak of an assessment.
    #[must_use]
    pub fn of_assessment(self) -> bool {
        self <= Self::AssessmentDeleted
    }
}

/// Where a candidacy stands: the `event` of its latest candidate event, `score_updated` aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Invited, not opened.
    Invited,
    /// Invited, never started, too late now.
    InvitationExpired,
    /// Opened, not started.
    Enrolled,
    /// In the test.
    InProgress,
    /// Submitted.
    Completed,
    /// Thrown out.
    Disqualified,
    /// Decided: goes on.
    InvitedForInterview,
    /// Decided: does not go on.
    Rejected,
}

impl Status {
    /// Every status, in the order of a rollout; also the order of their codes in a session file.
    pub const ALL: [Self; 8] = [
        Self::Invited,
        Self::InvitationExpired,
        Self::Enrolled,
        Self::InProgress,
        Self::Completed,
        Self::Disqualified,
        Self::InvitedForInterview,
        Self::Rejected,
    ];

    /// The kind of event that brings it.
    #[must_use]
    pub fn kind(self) -> EventKind {
        match self {
            Self::Invited => EventKind::Invited,
            Self::InvitationExpired => EventKind::InvitationExpired,
            Self::Enrolled => EventKind::Enrolled,
            Self::InProgress => EventKind::InProgress,
            Self::Completed => EventKind::Completed,
            Self::Disqualified => EventKind::Disqualified,
            Self::InvitedForInterview => EventKind::InvitedForInterview,
            Self::Rejected => EventKind::Rejected,
        }
    }

    /// The word in JSON and in filters: `in_progress`.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.kind().event()
    }

    /// The status with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Its place in [`Status::ALL`]: the code in a session file.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What invigil reads out of a body. Everything is optional: a field that is missing or of a strange type
/// is `None`, and the body itself is kept beside it byte for byte.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// `type` and `event` joined by a dot, if both are words.
    pub name: Option<String>,
    /// The kind, if it is one of the thirteen. `None` means *unrecognised*.
    pub kind: Option<EventKind>,
    /// The body is JSON (see [`crate::json::MAX_DEPTH`]); otherwise it is saved in base64.
    pub is_json: bool,
    /// `timestamp`: the sender's time of the event.
    pub timestamp: Option<Timestamp>,
    /// `data.assessmentId`
    pub assessment_id: Option<String>,
    /// `data.candidateId`
    pub candidate_id: Option<String>,
    /// `data.orgId`
    pub org_id: Option<String>,
    /// `data.assessment.name`, else its `title`
    pub assessment_name: Option<String>,
    /// `data.assessment.workspaceUrl`
    pub workspace: Option<String>,
    /// `data.status.isArchived`
    pub is_archived: Option<bool>,
    /// `data.candidate.firstName` and `lastName`, joined
    pub candidate_name: Option<String>,
    /// `data.candidate.email`
    pub email: Option<String>,
    /// `data.status.candidateStage`
    pub stage: Option<String>,
    /// `data.scores.avgScorePercentage`
    pub score: Option<f64>,
    /// `data.links.candidateDetailLink`
    pub detail_link: Option<String>,
    /// `data.links.resultLink`
    pub result_link: Option<String>,
    /// `data.signals.antiCheating`
    pub signals: Signals,
}

impl Event {
    /// The candidacy it speaks of, if it is recognised and names one.
    #[must_use]
    pub fn candidacy(&self) -> Option<(&str, &str)> {
        let kind = self.kind?;
        if kind.of_assessment() {
            return None;
        }
        Some((self.assessment_id.as_deref()?, self.candidate_id.as_deref()?))
    }

    /// The assessment it names, if it is recognised and names one.
    #[must_use]
    pub fn assessment(&self) -> Option<&str> {
        self.kind?;
        self.assessment_id.as_deref()
    }
}
