//! Where invigil keeps things: the XDG directories and the names of new files.
#![expect(clippy::disallowed_methods, reason = "the first bytes of a file tell what it is")]

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use etcetera::app_strategy::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use crate::domain::time::Timestamp;

/// The directory of this program among those of others.
const OWN: &str = "invigil";

fn strategy() -> Option<impl AppStrategy> {
    let args =
        AppStrategyArgs { top_level_domain: String::new(), author: String::new(), app_name: OWN.into() };
    choose_app_strategy(args).ok()
}

/// What a variable of the XDG base directory specification names; a relative path does not count. A service has no
/// home, and needs none where everything is named.
fn named(variable: Option<OsString>) -> Option<PathBuf> {
    variable.map(PathBuf::from).filter(|path| path.is_absolute()).map(|path| path.join(OWN))
}

/// `config.toml` in the config directory; `None` if neither that nor a home is known.
#[must_use]
pub fn config_file() -> Option<PathBuf> {
    let dir = named(std::env::var_os("XDG_CONFIG_HOME"));
    Some(dir.or_else(|| Some(strategy()?.config_dir()))?.join("config.toml"))
}

/// The directory of sessions; `None` if neither that nor a home is known.
#[must_use]
pub fn sessions_dir() -> Option<PathBuf> {
    named(std::env::var_os("XDG_DATA_HOME")).or_else(|| Some(strategy()?.data_dir()))
}

/// The directory of mirrors of sessions that others hold; `None` as of [`sessions_dir`].
#[must_use]
pub fn mirrors_dir() -> Option<PathBuf> {
    Some(sessions_dir()?.join("attached"))
}

/// A name for a session begun now that no file of the directory has.
#[must_use]
pub fn new_session_file(now: Timestamp) -> Option<PathBuf> {
    let dir = sessions_dir()?;
    let local = now.civil().to_zoned_datetime(jiff::tz::TimeZone::system());
    let stem = local.strftime("%Y-%m-%d-%H%M%S").to_string();
    let names =
        (1..1000).map(|n| if n == 1 { format!("{stem}.sqlite") } else { format!("{stem}-{n}.sqlite") });
    names.map(|name| dir.join(name)).find(|path| !path.exists())
}

/// Whether a file begins as every SQLite file does.
#[must_use]
pub fn is_session(path: &Path) -> bool {
    let mut first = [0; 16];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first == *b"SQLite format 3\0"
}

/// Whether a file is to be read as SQLite: everything is that does not begin like JSON.
#[must_use]
pub fn is_sqlite(path: &Path) -> bool {
    let mut first = [0; 64];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut first)).unwrap_or_default();
    let text = first.get(..read).unwrap_or_default();
    // Some editors write a mark before a text.
    !text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_named_needs_no_home() {
        assert_eq!(named(Some("/etc".into())), Some("/etc/invigil".into()));
        assert_eq!(named(Some("etc".into())), None);
        assert_eq!(named(Some("".into())), None);
        assert_eq!(named(None), None);
    }
}
