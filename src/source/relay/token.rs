//! The token: what it looks like, whose it is, and when one of ours has to be given up.

/// What the relay knows its clients' tokens by.
const PREFIX: &str = "c_";
/// Random characters of a token: 160 bits. Whoever knows it can read what passes.
const LONG: usize = 27;
/// As long as the newest clients make them: for a relay that takes no longer ones.
const SHORT: usize = 10;
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// How often a token in use is tried again before another one is made.
const STRIKES: u32 = 3;

/// Why the relay did not take the token, or ended a link over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objection {
    /// Another listener has it.
    InUse,
    /// It does not look as it should.
    Invalid,
}

/// What to do about an objection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ask for the same one again, which was objected to so many times in a row.
    Again(u32),
    /// Ask for another one, of our own making; so many random characters.
    Renew(usize),
}

/// The token asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    text: String,
    /// Made here: it may be replaced. One that was given is never.
    ours: bool,
    /// The relay has taken it once: an endpoint may be registered with it.
    taken: bool,
    strikes: u32,
}

impl Token {
    /// One the user has given, used as it is.
    #[must_use]
    pub fn given(text: String) -> Self {
        Self { text, ours: false, taken: false, strikes: 0 }
    }

    /// One of ours that the session has kept.
    #[must_use]
    pub fn kept(text: String) -> Self {
        Self { text, ours: true, taken: true, strikes: 0 }
    }

    /// A new one of ours, of random bytes.
    ///
    /// # Errors
    /// If there are none.
    pub fn fresh<E>(random: impl FnMut() -> Result<u8, E>) -> Result<Self, E> {
        Ok(Self { text: make(LONG, random)?, ours: true, taken: false, strikes: 0 })
    }

    /// As the relay is asked for it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it was made here, and is to be kept.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Whether the relay has ever taken it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.taken
    }

    /// The relay has taken it, under this name.
    pub fn taken_as(&mut self, text: &str) {
        if self.ours {
            text.clone_into(&mut self.text);
        }
        (self.taken, self.strikes) = (true, 0);
    }

    /// The relay objects. One that is in use is asked for again a few times: the relay may not have seen yet
    /// that our own link before is gone, and with the token goes what is registered at Testlify. A token that
    /// was never taken can be shortened at once.
    pub fn objected(&mut self, objection: Objection) -> Verdict {
        self.strikes = self.strikes.saturating_add(1);
        let at_once =
            objection == Objection::Invalid && !self.taken && self.text.len() > PREFIX.len() + SHORT;
        if self.ours && (at_once || self.strikes > STRIKES) {
            let length = if objection == Objection::Invalid { SHORT } else { self.random_length() };
            return Verdict::Renew(length);
        }
        Verdict::Again(self.strikes)
    }

    fn random_length(&self) -> usize {
        if self.text.len() == PREFIX.len() + SHORT { SHORT } else { LONG }
    }

    /// Puts a new token of ours in the place of one of ours.
    ///
    /// # Errors
    /// If there are no random bytes; it is then the same as before.
    pub fn renew<E>(&mut self, length: usize, random: impl FnMut() -> Result<u8, E>) -> Result<(), E> {
        (self.text, self.taken, self.strikes) = (make(length, random)?, false, 0);
        Ok(())
    }
}

/// Every letter is as likely as every other: bytes beyond a multiple of 62 are thrown away.
fn make<E>(length: usize, mut random: impl FnMut() -> Result<u8, E>) -> Result<String, E> {
    let mut text = PREFIX.to_owned();
    while text.len() < PREFIX.len() + length {
        let byte = random()?;
        if byte < 248
            && let Some(letter) = LETTERS.get(usize::from(byte) % LETTERS.len())
        {
            text.push(char::from(*letter));
        }
    }
    Ok(text)
}

/// Whether a token can stand in a URL as it is.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter() -> impl FnMut() -> Result<u8, ()> {
        let mut next = 0;
        move || {
            next = u8::wrapping_add(next, 37);
            Ok(next)
        }
    }

    #[test]
    fn ours_have_160_bits_of_letters_and_digits() {
        let token = Token::fresh(counter()).unwrap();
        let random = token.text().strip_prefix("c_").unwrap();
        assert_eq!(random.len(), 27);
        assert!(random.bytes().all(|byte| LETTERS.contains(&byte)) && is_plain(token.text()));
    }

    #[test]
    fn one_in_use_is_asked_for_three_times_more_and_given_up_only_if_it_is_ours() {
        let mut ours = Token::kept("c_old".into());
        let verdicts = [(); 4].map(|()| ours.objected(Objection::InUse));
        assert_eq!(verdicts, [Verdict::Again(1), Verdict::Again(2), Verdict::Again(3), Verdict::Renew(27)]);
        ours.renew(27, counter()).unwrap();
        assert_eq!(ours.objected(Objection::InUse), Verdict::Again(1));
        ours.taken_as("c_other");
        assert_eq!(ours.text(), "c_other");
        assert_eq!(ours.objected(Objection::InUse), Verdict::Again(1));
        let mut given = Token::given("c_mine".into());
        for strike in 1..20 {
            assert_eq!(given.objected(Objection::InUse), Verdict::Again(strike));
        }
        given.taken_as("c_other");
        assert_eq!(given.text(), "c_mine", "sent verbatim for ever");
    }

    #[test]
    fn one_that_is_invalid_is_shortened_at_once_unless_it_was_taken_before() {
        let mut fresh = Token::fresh(counter()).unwrap();
        assert_eq!(fresh.objected(Objection::Invalid), Verdict::Renew(10));
        fresh.renew(10, counter()).unwrap();
        assert_eq!(fresh.text().len(), 12);
        assert_eq!(fresh.objected(Objection::Invalid), Verdict::Again(1));
        let mut kept = Token::kept(Token::fresh(counter()).unwrap().text().to_owned());
        assert_eq!(kept.objected(Objection::Invalid), Verdict::Again(1));
        assert_eq!(Token::given("x".into()).objected(Objection::Invalid), Verdict::Again(1));
    }

    #[test]
    fn only_what_stands_in_a_url_as_it_is_is_plain() {
        for good in ["c_0a1B2c3D4e", "e_x-y.z~"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "..", "a/b", "a b", "a?b", "é", "a\u{1b}", &"x".repeat(200)] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
