//! Figures: settings from the environment, medians and ranges.

use std::time::{Duration, Instant};

/// A number from the environment.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Figures of one kind.
#[derive(Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// None yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes one more.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// Takes all of the other's.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The figure below which this share of them lies.
    pub fn share(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((sorted.len() as f64 * share) as usize).or(sorted.get(last)).copied().unwrap_or(f64::NAN)
    }

    /// The middle.
    pub fn median(&self) -> f64 {
        self.share(0.5)
    }

    /// Median, least and greatest, with so many decimals.
    pub fn range(&self, decimals: usize) -> String {
        let (median, least, most) = (self.median(), self.share(0.0), self.share(1.0));
        format!("{median:.decimals$} ({least:.decimals$}–{most:.decimals$})")
    }

    /// Median, 99th percentile and greatest, with so many decimals.
    pub fn tail(&self, decimals: usize) -> String {
        let (median, most) = (self.median(), self.share(1.0));
        format!("{median:.decimals$} / {:.decimals$} / {most:.decimals$}", self.share(0.99))
    }
}

/// How long something takes, in milliseconds, so many times.
pub fn times<T>(times: usize, mut what: impl FnMut() -> T) -> Figures {
    let mut figures = Figures::default();
    for _ in 0..times {
        let begun = Instant::now();
        std::hint::black_box(what());
        figures.push(millis(begun.elapsed()));
    }
    figures
}

/// Milliseconds.
pub fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// Mebibytes.
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
