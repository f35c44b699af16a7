//! What is built in: `deny.toml` is the law, and this holds the lock file and the crates' licences to it.
//!
//! `cargo deny check` does the same and more, where it is installed; this needs nothing but cargo and the crates
//! that were just built.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "reads the project's own files, and what is not as it should be is to fail"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use toml::Table;

fn table(name: &str) -> Table {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
    text.parse().unwrap()
}

/// The texts of a list at a place of the law.
fn texts(table: &Table, section: &str, key: &str) -> BTreeSet<String> {
    let list = table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
    let list = list.unwrap_or_else(|| panic!("deny.toml has no {section}.{key}"));
    let name = |one: &toml::Value| match one {
        toml::Value::Table(of) => of.get("name").and_then(toml::Value::as_str).map(str::to_owned),
        other => other.as_str().map(str::to_owned),
    };
    list.iter().map(|one| name(one).unwrap()).collect()
}

/// The words of a licence expression.
fn words(expression: &str) -> Vec<String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<String> = Vec::new();
    for word in spaced.split_whitespace() {
        match words.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Whether an SPDX expression can be met with these licences. `AND` binds closer than `OR`.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    fn any(words: &mut std::slice::Iter<'_, String>, allowed: &BTreeSet<String>) -> bool {
        let (mut met, mut all) = (false, true);
        loop {
            let one = match words.next().map(String::as_str) {
                Some("(") => any(words, allowed),
                Some(name) => allowed.contains(name),
                None => return met || all,
            };
            all &= one;
            match words.next().map(String::as_str) {
                Some("AND") => {}
                Some("OR") => (met, all) = (met || all, true),
                _ => return met || all,
            }
        }
    }
    let words = words(expression);
    !words.is_empty() && any(&mut words.iter(), allowed)
}

#[test]
fn licence_expressions_are_read_as_spdx_has_them() {
    let allowed: BTreeSet<String> =
        ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
    for good in
        ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "MIT AND (X OR ISC)", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(met(good, &allowed), "{good}");
    }
    for bad in ["", "Apache-2.0", "MIT AND X", "X OR MIT AND X", "(MIT OR ISC) AND X", "X WITH Y"] {
        assert!(!met(bad, &allowed), "{bad}");
    }
}

/// Every crate of the lock file, whatever the platform it is for.
#[test]
fn no_banned_crate_and_no_other_source_is_in_the_lock_file() {
    let law = table("deny.toml");
    let banned = texts(&law, "bans", "deny");
    assert!(banned.contains("openssl-sys") && banned.contains("aws-lc-rs"), "{banned:?}");
    let sources = texts(&law, "sources", "allow-registry");
    let lock = table("Cargo.lock");
    let packages = lock.get("package").and_then(toml::Value::as_array).unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").unwrap();
        assert!(!banned.contains(name), "{name} is banned by deny.toml");
        let Some(source) = text("source") else {
            assert_eq!(name, "invigil", "a crate from nowhere");
            continue;
        };
        let registry = source.strip_prefix("registry+").unwrap_or(source);
        assert!(sources.contains(registry), "{name} comes from {source}");
        assert!(text("checksum").is_some_and(|sum| sum.len() == 64), "{name} has no checksum");
    }
}

/// Every crate that is built here, tests included.
#[test]
fn every_crate_has_a_licence_that_is_allowed() {
    let allowed = texts(&table("deny.toml"), "licenses", "allow");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let asked = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let told = String::from_utf8(asked.stdout).unwrap();
    let crates: BTreeSet<(&str, &str)> = told.lines().filter_map(|line| line.split_once('|')).collect();
    assert!(crates.len() > 100, "{told}");
    for (name, licence) in crates {
        let licence = licence.trim_end_matches(" (*)");
        assert!(met(licence, &allowed), "{name} is under `{licence}`, which deny.toml does not allow");
    }
}

/// Our own code holds no `unsafe`: the compiler refuses it, and nothing switches that off.
#[test]
fn unsafe_is_forbidden() {
    let manifest = table("Cargo.toml");
    let lint = manifest.get("lints").and_then(|lints| lints.get("rust")?.get("unsafe_code"));
    // `forbid` cannot be lifted by an attribute in the code, only here.
    assert_eq!(lint.and_then(toml::Value::as_str), Some("forbid"));
    // The lints hold for the build script too; it is to give the compiler no flags of its own.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
    assert!(!std::fs::read_to_string(script).unwrap().contains("rustc-flags"));
}
