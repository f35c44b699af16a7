//! Bodies in exactly the form of the vendor's samples: the same fields in the same order, told per event.

use std::fmt::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::person::Person;
use super::rng_of;
use super::story::{Scene, Story};
use crate::domain::event::EventKind;
use crate::domain::proctoring::ViolationKind;
use crate::domain::time::Timestamp;

/// A candidate's event; what stands between two paragraph signs is filled in.
const CANDIDATE: &str = concat!(
    r#"{"data":{"assessment":{"name":§name§,"workspaceUrl":"example"},"assessmentId":"§assessment§","#,
    r#""candidate":{"email":"§email§","firstName":§first§,"lastName":§last§},"candidateId":"§candidate§","#,
    r#""customQuestions":[{"_id":"6a019ed37ca7f7753f118c47","assessmentCQId":"6a019ed37ca7f7753f118c47","#,
    r#""classification":"FILL_IN_BLANK","isAnswered":§answered§,"score":§one§,"scoreV1":§one§},"#,
    r#"{"_id":"6a019ed37ca7f7753f118c45","assessmentCQId":"6a019ed37ca7f7753f118c45","#,
    r#""classification":"SINGLE_SELECT","isAnswered":§answered§,"score":§two§,"scoreV1":§two§},"#,
    r#"{"_id":"6a019ed37ca7f7753f118c46","assessmentCQId":"6a019ed37ca7f7753f118c46","#,
    r#""classification":"MULTI_SELECT","isAnswered":§answered§,"score":§three§,"scoreV1":§three§}],"#,
    r#""links":{"candidateDetailLink":"https://example.testlify.com/assessment/§assessment§/candidate/§candidate§","#,
    r#""inviteLink":"https://candidate.testlify.com/candidate/assessment/invite?key=§key§&isPublic=false","#,
    r#""resultLink":§result§},"orgId":"§org§","#,
    r#""qualificationQuestions":[{"answer":["634d2cca17693702adfd952b"],"#,
    r#""assessmentQQId":"6a019ed602ba2c7308e2005e"}],"rollups":{"#,
    r#""testLibraries":[{"_id":"6a019ed37ca7f7753f118c07","scorePercentage":§percent§,"#,
    r#""skills":[{"_id":"6a019f7f186433e3f41e9a94","description":"Extraversion","score":§s1§,"#,
    r#""skillId":"6311d40b1a23bc7a07565ea5","weightedScore":0},{"_id":"6a019f7f186433e3f41e9a95","#,
    r#""description":"Agreeableness","score":§s2§,"skillId":"6311d40b1a23bc7a07565ea6","weightedScore":0},"#,
    r#"{"_id":"6a019f7f186433e3f41e9a96","description":"Conscientiousness","score":§s3§,"#,
    r#""skillId":"6311d40b1a23bc7a07565ea7","weightedScore":0},{"_id":"6a019f7f186433e3f41e9a97","#,
    r#""description":"Neuroticism","score":§s4§,"skillId":"6311d40b1a23bc7a07565ea8","weightedScore":0},"#,
    r#"{"_id":"6a019f7f186433e3f41e9a98","description":"Openness","score":§s5§,"#,
    r#""skillId":"6311d40b1a23bc7a07565ea9","weightedScore":0}],"#,
    r#""testLibraryId":"6311d40b1a23bc7a07565ea4"}]},"scores":{"#,
    r#""avgScorePercentage":§average§,"totalQuestion":44,"totalScore":44,"totalScoreAchieved":§achieved§,"#,
    r#""totalTestElapsedTime":§elapsed§,"totalTestTimeLimit":2700},"#,
    r#""signals":{"antiCheating":{"_id":"6a019ed47ca7f7753f118c4d","aiPluginDetected":§ai?§,"#,
    r#""aiPluginViolationCount":§ai_plugin§,"#,
    r#""browserName":"§browser§","browserVersion":"§version§","city":"","copyPasteDetected":§copy?§,"#,
    r#""copyPasteViolationCount":§copy_paste§,"country":"§country§","device":"§device§","#,
    r#""endIPAddress":§end_ip§,"focusGuardViolationCount":§focus_guard§,"#,
    r#""fullScreenViolationCount":§full_screen_exit§,"internetSpeed":{"_id":"6a019f35f4262f9b62758797","#,
    r#""download":"§down§","upload":"§up§"},"ipAddress":null,"ipProctoringEnabled":false,"#,
    r#""isFilledFromSameIP":§same§,"isFullScreenActive":true,"#,
    r#""isLocationEnabled":false,"isMicEnabled":true,"isMouseInAssessmentWindow":true,"#,
    r#""isWebcamEnabled":true,"location":"","mouseOutCount":§mouse_out§,"#,
    r#""preciseLocation":null,"recentLatitude":"§latitude§","recentLocation":"","#,
    r#""recentLongitude":"§longitude§","screenLeftByCandidateCount":§screen_left§,"#,
    r#""startIPAddress":§start_ip§,"state":"","tabSwitchCount":§tab_switch§,"#,
    r#""talkingViolationCount":§talking§,"timeSpendOutByMouse":§mouse_secs§,"#,
    r#""timeSpentOutside":§outside_secs§,"webCamViolationCount":§webcam§,"#,
    r#""webCamViolationDetetcted":§webcam?§}},"#,
    r#""status":{"candidateStage":"§stage§","candidateStatus":"§status§","completedAt":§completed_at§,"#,
    r#""invitedAt":"§invited_at§"}},"#,
    r#""event":"§event§","metadata":{},"success":true,"timestamp":§timestamp§,"type":"candidate"}"#,
);

/// An assessment's event.
const ASSESSMENT: &str = concat!(
    r#"{"data":{"assessment":{"defaultLanguage":"auto","jobRoleId":"§role§","jobRoleName":"§role_name§","#,
    r#""language":"English","name":"§name§","title":"§name§","workspaceUrl":"example"},"#,
    r#""assessmentId":"§assessment§","#,
    r#""configuration":{"customSnapshotInterval":30,"disableMobileAndTabletDevices":false,"#,
    r#""enableInstructions":true,"enableNavigationToPreviousQuestions":true,"forceFullScreen":true,"#,
    r#""generateAiInsight":true,"ipProctoringEnabled":false,"screenShare":true,"#,
    r#""showQuestionCountToCandidate":true,"snapshotCaptureRequired":true},"#,
    r#""customFields":[{"id":"692597450000000000000000","label":"Email","slug":"email","#,
    r#""status":"REQUIRED","type":"EMAIL","visibility":"VISIBLE"},{"id":"692597460000000000000000","#,
    r#""label":"First name","slug":"first-name","#,
    r#""status":"REQUIRED","type":"TEXT","visibility":"VISIBLE"},{"id":"692597470000000000000000","#,
    r#""label":"Last name","slug":"last-name","#,
    r#""status":"REQUIRED","type":"TEXT","visibility":"VISIBLE"},{"id":"692597480000000000000000","#,
    r#""label":"Phone number","slug":"phone-number","#,
    r#""status":"OPTIONAL","type":"NUMBER","visibility":"VISIBLE"}],"#,
    r#""limits":{"numberOfAttempts":1,"totalCandidateCount":§count§,"totalCustomQuestion":0,"#,
    r#""totalTestLibrary":1,"totalTime":§limit§},"orgId":"§org§","#,
    r#""qualificationQuestions":[{"assessmentQQId":"69368b6b98ae7b93f4fc6cf1","#,
    r#""classification":"SINGLE_SELECT","title":"§question§"}],"#,
    r#""status":{"assessmentStatus":"§status§","isArchived":§archived§},"#,
    r#""testLibraries":[{"difficultyLevel":"Intermediate","maximumScore":44,"questionLimit":44,"#,
    r#""testLibraryId":"637e1347d4ef4607d35434ce","timeLimit":§limit§,"title":"§library§"}]},"#,
    r#""event":"§event§","success":true,"type":"assessment"}"#,
);

/// Writes a template, asking `slot` for what stands between two paragraph signs.
fn fill(template: &str, mut slot: impl FnMut(&mut String, &str)) -> Vec<u8> {
    let mut text = String::with_capacity(template.len() + 512);
    for (n, part) in template.split('§').enumerate() {
        if n % 2 == 0 {
            text.push_str(part);
        } else {
            slot(&mut text, part);
        }
    }
    text.into_bytes()
}

/// Appends what can be printed; writing to a string cannot fail.
fn put(text: &mut String, value: impl fmt::Display) {
    let _infallible = write!(text, "{value}");
}

/// Appends a JSON string, or `null`.
fn put_text(text: &mut String, value: Option<impl fmt::Display>) {
    match value {
        Some(value) => put(text, serde_json::Value::String(value.to_string())),
        None => text.push_str("null"),
    }
}

/// One assessment of the campaign.
struct Opening {
    name: &'static str,
    role: &'static str,
    library: &'static str,
    question: &'static str,
}

const OPENINGS: [Opening; ASSESSMENTS] = [
    Opening {
        name: "Backend Engineer",
        role: "Backend Engineer",
        library: "Rust and distributed systems",
        question: "Notice period",
    },
    Opening {
        name: "Account Executive",
        role: "Account Executive",
        library: "Negotiation",
        question: "Valid passport",
    },
    Opening {
        name: "Customer Support DACH",
        role: "Customer Support Agent",
        library: "German, upper intermediate",
        question: "Shift work",
    },
    Opening {
        name: "Data Analyst",
        role: "Data Analyst",
        library: "SQL and statistics",
        question: "Work permit",
    },
    Opening {
        name: "Graduate Programme 2027",
        role: "Graduate Trainee",
        library: "Cognitive ability",
        question: "Year of graduation",
    },
    Opening {
        name: "Warehouse Lead",
        role: "Warehouse Lead",
        library: "Situational judgement",
        question: "Forklift licence",
    },
];

/// How many assessments a campaign has.
pub const ASSESSMENTS: usize = 6;

/// The campaign a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Campaign {
    /// Makes everything of it.
    pub seed: u64,
    /// When it began.
    pub start: Timestamp,
    /// How many candidates it has, as far as its assessments say.
    pub candidates: u64,
    /// Tells its story in less time than it takes.
    pub telling: Option<Telling>,
}

/// How the time of a story passes by the calendar: its first part stretched or squeezed into one length, the
/// rest into another, so that a story of hours can end in minutes and yet always be in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telling {
    /// Where in the story the first part ends, milliseconds.
    pub part_ms: i64,
    /// Where the story ends.
    pub story_ms: i64,
    /// When the first part ends by the calendar, milliseconds from the beginning.
    pub part_told_ms: i64,
    /// When the story ends by the calendar.
    pub told_ms: i64,
}

impl Telling {
    /// When a moment of the story is, by the calendar.
    #[must_use]
    pub fn of(&self, at_ms: i64) -> i64 {
        let share = |at: i64, of: i64, told: i64| (at as f64 * told as f64 / of.max(1) as f64) as i64;
        if at_ms <= self.part_ms {
            return share(at_ms, self.part_ms, self.part_told_ms);
        }
        self.part_told_ms
            + share(at_ms - self.part_ms, self.story_ms - self.part_ms, self.told_ms - self.part_told_ms)
    }
}

impl Campaign {
    /// When a moment of its story is.
    #[must_use]
    pub fn at(&self, at_ms: i64) -> Timestamp {
        self.start.plus_millis(self.telling.map_or(at_ms, |telling| telling.of(at_ms)))
    }

    fn id(&self, kind: u64, number: u64) -> String {
        let mut rng = rng_of(self.seed, kind, number);
        let days = rng.i64(2..40) * 86_400;
        let secs = u32::try_from((self.start.secs() - days).max(0)).unwrap_or_default();
        format!("{secs:08x}{:016x}", rng.u64(..))
    }

    fn name(number: usize) -> &'static str {
        OPENINGS.get(number).map_or("Talent pool", |opening| opening.name)
    }

    /// The body of an assessment's event.
    #[must_use]
    pub fn assessment(&self, number: usize, kind: EventKind) -> Vec<u8> {
        let Some(opening) = OPENINGS.get(number) else { return Vec::new() };
        let archived = kind == EventKind::AssessmentArchived;
        fill(ASSESSMENT, |text, slot| match slot {
            "role" => put(text, self.id(10, number as u64)),
            "role_name" => put(text, opening.role),
            "name" => put(text, opening.name),
            "assessment" => put(text, self.id(11, number as u64)),
            "count" => put(text, if kind == EventKind::AssessmentCreated { 0 } else { self.candidates / 6 }),
            "limit" => put(text, 2700),
            "org" => put(text, self.id(12, 0)),
            "question" => put(text, opening.question),
            "status" => put(text, if archived { "ARCHIVED" } else { "SUBSCRIBED" }),
            "archived" => put(text, archived),
            "library" => put(text, opening.library),
            "event" => put(text, kind.event()),
            _ => {}
        })
    }

    /// The body of a candidate's event.
    #[must_use]
    pub fn candidate(&self, number: u64, story: &Story, scene: &Scene) -> Vec<u8> {
        let mut rng = rng_of(self.seed, 1, number);
        let view = View {
            campaign: self,
            person: Person::new(&mut rng, number),
            own: [rng.f64(), rng.f64(), rng.f64(), rng.f64(), rng.f64()],
            number,
            story,
            scene,
        };
        fill(CANDIDATE, |text, slot| view.identity(text, slot))
    }
}

/// All that the body of a candidate's event is told from.
struct View<'a> {
    campaign: &'a Campaign,
    person: Person,
    /// Numbers of the candidate's own, 0 to 1.
    own: [f64; 5],
    number: u64,
    story: &'a Story,
    scene: &'a Scene,
}

impl View<'_> {
    fn at(&self, at_ms: i64) -> Timestamp {
        self.campaign.at(at_ms)
    }

    fn identity(&self, text: &mut String, slot: &str) {
        let person = &self.person;
        match slot {
            "name" => put_text(text, Some(Campaign::name(self.story.assessment))),
            "assessment" => put(text, self.campaign.id(11, self.story.assessment as u64)),
            "candidate" => put(text, self.campaign.id(13, self.number)),
            "org" => put(text, self.campaign.id(12, 0)),
            "email" => put(text, &person.email),
            "first" => put_text(text, Some(person.first)),
            "last" => put_text(text, Some(person.last)),
            "browser" => put(text, person.browser),
            "version" => put(text, person.browser_version),
            "country" => put(text, person.country),
            "device" => put(text, person.device),
            "latitude" => put(text, &person.latitude),
            "longitude" => put(text, &person.longitude),
            "down" => put(text, format_args!("{:.2}", 20.0 + self.own[0] * 400.0)),
            "up" => put(text, format_args!("{:.2}", 5.0 + self.own[1] * 150.0)),
            "event" => put(text, self.scene.kind.event()),
            "timestamp" => put(text, self.at(self.scene.at_ms).millis()),
            "key" => put(text, self.key()),
            "result" => put_text(text, self.scene.score.map(|_| self.result_link())),
            _ => self.standing(text, slot),
        }
    }

    fn key(&self) -> String {
        let key = self.campaign.id(14, self.number);
        let email = &self.person.email;
        STANDARD.encode(format!(r#"{{"email":"{email}","inviteKey":"{key}-ik","defaultLanguage":"auto"}}"#))
    }

    fn result_link(&self) -> String {
        let (org, report) = (self.campaign.id(12, 0), self.campaign.id(15, self.number));
        let name = Campaign::name(self.story.assessment).replace(' ', "_");
        let slug = &self.person.slug;
        format!(
            "https://cdn.example.com/workspace/{org}/reports/pdf/assessment-candidate-report/{report}/{slug}-{name}.pdf"
        )
    }

    fn standing(&self, text: &mut String, slot: &str) {
        let scene = self.scene;
        let completed = self.story.completed_ms.filter(|at| *at <= scene.at_ms);
        let score = scene.score;
        match slot {
            "answered" => put(text, scene.done > 0.5),
            "one" | "two" => put(text, u8::from(score.is_some_and(|score| score > 60.0))),
            "three" => put(text, if score.is_some_and(|score| score > 40.0) { 2 } else { 0 }),
            "percent" | "s3" => put(text, score.unwrap_or_default()),
            "s1" => put(text, score.map_or(0.0, |_| (self.own[1] * 240.0).round() / 240.0 * 100.0)),
            "s2" => put(text, score.map_or(0.0, |_| (self.own[2] * 9.0).round() / 9.0 * 100.0)),
            "s4" => put(text, score.map_or(0.0, |_| (self.own[3] * 20.0).round() * 5.0)),
            "s5" => put(text, score.map_or(0.0, |_| (self.own[4] * 12.0).round() / 12.0 * 100.0)),
            "average" => match score {
                Some(score) => put(text, score),
                None => text.push_str("null"),
            },
            "achieved" => put(text, score.map_or(0.0, |score| (score * 0.44).round())),
            "elapsed" => {
                put(text, (scene.done * (900.0 + self.own[0] * 1_700.0) * 1_000.0).round() / 1_000.0);
            }
            "stage" => put(text, stage(scene.kind, completed.is_some())),
            "status" => put(text, if score.is_some() { "COMPLETED" } else { status(scene.kind) }),
            "completed_at" => put_text(text, completed.map(|at| self.at(at))),
            "invited_at" => {
                let invited = self.story.scenes.first().map_or(0, |scene| scene.at_ms);
                put(text, self.at(invited));
            }
            _ => self.signals(text, slot),
        }
    }

    fn signals(&self, text: &mut String, slot: &str) {
        use ViolationKind as V;
        let counts = &self.scene.counts;
        let opened = !matches!(self.scene.kind, EventKind::Invited | EventKind::InvitationExpired);
        let moved = counts.of(V::IpChange) > 0;
        let out = f64::from(counts.of(V::TabSwitch) + counts.of(V::ScreenLeft));
        match slot {
            "ai?" => put(text, counts.of(V::AiPlugin) > 0),
            "copy?" => put(text, counts.of(V::CopyPaste) > 0),
            "webcam?" => put(text, counts.of(V::Webcam) > 0),
            "same" => put(text, !moved),
            "start_ip" => put_text(text, opened.then_some(&self.person.ip)),
            "end_ip" => {
                let end = if moved { &self.person.other_ip } else { &self.person.ip };
                put_text(text, self.scene.score.map(|_| end));
            }
            "outside_secs" => put(text, (out * (3.0 + self.own[1] * 9.0)).floor()),
            "mouse_secs" => {
                put(text, (f64::from(counts.of(V::MouseOut)) * (2.0 + self.own[2] * 6.0)).floor());
            }
            word => put(text, V::from_word(word).map_or(0, |kind| counts.of(kind))),
        }
    }
}

fn stage(kind: EventKind, completed: bool) -> &'static str {
    match kind {
        EventKind::Invited | EventKind::InvitationExpired => "INVITED",
        EventKind::Disqualified => "DISQUALIFIED",
        EventKind::Rejected => "REJECTED",
        EventKind::InvitedForInterview => "INVITED_FOR_INTERVIEW",
        _ if completed => "ASSESSMENT_COMPLETED",
        _ => "ASSESSMENT_INCOMPLETE",
    }
}

fn status(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Invited => "INVITED",
        EventKind::InvitationExpired => "INVITATION_EXPIRED",
        EventKind::Enrolled => "ENROLLED",
        EventKind::Disqualified => "DISQUALIFIED",
        _ => "IN_PROGRESS",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::domain::envelope::decode;

    fn campaign() -> Campaign {
        Campaign {
            seed: 4,
            start: Timestamp::from_secs(1_790_000_000).unwrap(),
            candidates: 60,
            telling: None,
        }
    }

    /// The paths of all fields in order.
    fn shape(value: &Value, path: &str, out: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| {
                out.push(format!("{path}.{key}"));
                shape(value, &format!("{path}.{key}"), out);
            }),
            Value::Array(items) => items.iter().for_each(|item| shape(item, path, out)),
            _ => {}
        }
    }

    fn shape_of(body: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        shape(&serde_json::from_slice(body).unwrap(), "", &mut out);
        out
    }

    #[test]
    fn bodies_have_the_form_of_the_samples() {
        let sample = shape_of(include_bytes!("../../assets/samples/candidate.completed.json"));
        for number in 0..200 {
            let story = Story::new(4, number, 5_000, 1_000_000);
            for scene in &story.scenes {
                let body = campaign().candidate(number, &story, scene);
                assert!(!String::from_utf8_lossy(&body).contains('§'));
                assert_eq!(shape_of(&body), sample);
                let event = decode(&body);
                assert_eq!(event.kind, Some(scene.kind));
                assert_eq!(event.signals.counts, scene.counts);
                assert_eq!((event.score, event.candidacy().is_some()), (scene.score, true));
                assert_eq!(event.timestamp, Some(campaign().start.plus_millis(scene.at_ms)));
            }
        }
        let sample = shape_of(include_bytes!("../../assets/samples/assessment.created.json"));
        for number in 0..ASSESSMENTS {
            let body = campaign().assessment(number, EventKind::AssessmentUpdated);
            assert_eq!(shape_of(&body), sample);
            assert_eq!(decode(&body).kind, Some(EventKind::AssessmentUpdated));
        }
    }
}
