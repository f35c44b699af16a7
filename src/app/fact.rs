//! One thing the screen wants to know, asked for when it is out of date.

/// A value read from the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact<T> {
    value: Option<T>,
    asked: Option<u64>,
    stale: bool,
    fault: Option<String>,
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self { value: None, asked: None, stale: true, fault: None }
    }
}

impl<T> Fact<T> {
    /// What is known.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// An answer has come, even if it was "there is none".
    pub fn answered(&self) -> bool {
        !self.stale && self.asked.is_none()
    }

    /// Why it could not be read.
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// It may be otherwise now.
    pub fn expire(&mut self) {
        self.stale = true;
    }

    /// It is to be asked for now. `hold`: what is known is good enough.
    pub fn due(&self, hold: bool) -> bool {
        self.asked.is_none() && self.stale && !(hold && self.value.is_some())
    }

    /// Remembers that a question is under way.
    pub fn asking(&mut self, number: u64) {
        self.asked = Some(number);
        self.stale = false;
    }

    /// Takes an answer in. False if it is not the one that is waited for.
    pub fn answer(&mut self, number: u64, value: Result<Option<T>, String>) -> bool {
        if self.asked.take_if(|asked| *asked == number).is_none() {
            return false;
        }
        match value {
            Ok(value) => (self.value, self.fault) = (value, None),
            Err(why) => self.fault = Some(why),
        }
        true
    }
}
