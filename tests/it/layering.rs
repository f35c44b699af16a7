//! The layers: the table in ARCHITECTURE.md is the law, and this reads it.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "reads the project's own files, and what is not as it should be is to fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// No file of `src` may have more lines.
const LONGEST: usize = 500;
/// The word in the table for a module that may use every other.
const EVERYTHING: &str = "everything";

/// One row of the table.
#[derive(Debug)]
struct Layer {
    floor: u32,
    may_use: Vec<String>,
    outside: Vec<String>,
}

/// A path that code spells, and the line where it begins.
#[derive(Debug, PartialEq, Eq)]
struct Spelt {
    line: usize,
    path: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file below a directory of the project; paths as seen from its root.
fn rust_files(below: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![root().join(below)];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

fn names(cell: &str) -> Vec<String> {
    cell.split([',', ' '])
        .map(|word| word.trim_matches('`'))
        .filter(|word| !matches!(*word, "" | "–"))
        .map(str::to_owned)
        .collect()
}

/// Reads the table with the columns `module | floor | may use | outside crates`.
fn layers(text: &str) -> BTreeMap<String, Layer> {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut lines = text
        .lines()
        .skip_while(|line| !cells(line).starts_with(&["module", "floor", "may use"].map(str::to_owned)));
    assert!(lines.next().is_some(), "ARCHITECTURE.md has lost its layer table");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|line| match cells(line).as_slice() {
        [module, floor, may_use, outside, ..] => {
            let floor = floor.parse().unwrap_or_else(|_| panic!("no floor in `{line}`"));
            let layer = Layer { floor, may_use: names(may_use), outside: names(outside) };
            (module.trim_matches('`').to_owned(), layer)
        }
        _ => panic!("a row of the layer table has too few columns: `{line}`"),
    })
    .collect()
}

/// The names that `[dependencies]` of Cargo.toml makes known to code.
fn outside_crates() -> BTreeSet<String> {
    let manifest: toml::Table = read(&root().join("Cargo.toml")).parse().unwrap();
    let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap();
    dependencies.keys().map(|name| name.replace('-', "_")).collect()
}

/// The code alone: comments, strings and characters blanked, line breaks kept.
fn code(text: &str) -> Vec<char> {
    let from: Vec<char> = text.chars().collect();
    let at = |n: usize| from.get(n).copied().unwrap_or('\0');
    let mut out = Vec::with_capacity(from.len());
    let blank = |out: &mut Vec<char>, c: char| out.push(if c == '\n' { '\n' } else { ' ' });
    let mut n = 0;
    while n < from.len() {
        let until = match at(n) {
            '/' if at(n + 1) == '/' => (n..from.len()).find(|m| at(*m) == '\n').unwrap_or(from.len()),
            '/' if at(n + 1) == '*' => {
                (n + 2..from.len()).find(|m| at(*m) == '*' && at(m + 1) == '/').unwrap_or(from.len()) + 2
            }
            'r' if matches!(at(n + 1), '"' | '#') && !word(at(n.wrapping_sub(1))) => {
                let marks = (n + 1..from.len()).take_while(|m| at(*m) == '#').count();
                if at(n + 1 + marks) == '"' {
                    let closes = |m: &usize| at(*m) == '"' && (1..=marks).all(|k| at(m + k) == '#');
                    (n + 2 + marks..from.len()).find(closes).unwrap_or(from.len()) + 1 + marks
                } else {
                    n
                }
            }
            '"' => {
                let mut m = n + 1;
                while m < from.len() && at(m) != '"' {
                    m += if at(m) == '\\' { 2 } else { 1 };
                }
                m + 1
            }
            '\'' if at(n + 1) == '\\' => {
                (n + 3..from.len()).find(|m| at(*m) == '\'').unwrap_or(from.len()) + 1
            }
            '\'' if at(n + 2) == '\'' => n + 3,
            _ => n,
        };
        if until == n {
            out.push(at(n));
            n += 1;
        }
        while n < until.min(from.len()) {
            blank(&mut out, at(n));
            n += 1;
        }
    }
    out
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Blanks what follows `#[cfg(test)]`: a module or any other item, up to its closing brace or semicolon.
/// Returns the names of test modules that stand in files of their own.
fn without_tests(code: &mut [char]) -> Vec<String> {
    const MARK: &str = "#[cfg(test)]";
    let mut files = Vec::new();
    let mut from = 0;
    while let Some(start) = find(code, MARK, from) {
        let (mut end, mut depth) = (start + MARK.len(), 0_usize);
        while let Some(c) = code.get(end) {
            end += 1;
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => break,
                '}' => depth -= 1,
                ';' if depth == 0 => break,
                _ => {}
            }
        }
        let item: String = code.get(start + MARK.len()..end).unwrap_or_default().iter().collect();
        let mut words = item.trim_end_matches(';').split_whitespace().skip_while(|word| *word != "mod");
        if let (Some(name), true) = (words.nth(1), item.ends_with(';')) {
            files.push(name.to_owned());
        }
        for c in code.iter_mut().take(end).skip(start).filter(|c| **c != '\n') {
            *c = ' ';
        }
        from = end;
    }
    files
}

fn find(code: &[char], what: &str, from: usize) -> Option<usize> {
    let what: Vec<char> = what.chars().collect();
    (from..code.len()).find(|n| code.get(*n..).is_some_and(|rest| rest.starts_with(&what)))
}

/// Reads a path that begins at `at`; a group in braces gives a path for each of its members.
fn paths(code: &[char], at: &mut usize, before: &[String], found: &mut Vec<Vec<String>>) {
    let peek = |at: usize| code.get(at).copied().unwrap_or('\0');
    let skip = |at: &mut usize| {
        while peek(*at).is_whitespace() {
            *at += 1;
        }
    };
    let mut path = before.to_vec();
    loop {
        skip(at);
        if peek(*at) == '{' {
            *at += 1;
            loop {
                skip(at);
                if matches!(peek(*at), '}' | '\0') {
                    break;
                }
                let begun = *at;
                paths(code, at, &path, found);
                // `as name`, a comma, or something that is no path at all
                while !matches!(peek(*at), ',' | '}' | '\0') {
                    *at += 1;
                }
                if peek(*at) == ',' || *at == begun {
                    *at += 1;
                }
            }
            *at += 1;
            return;
        }
        let name: String = code.get(*at..).unwrap_or_default().iter().take_while(|c| word(**c)).collect();
        *at += name.chars().count();
        if !name.is_empty() {
            path.push(name);
        }
        if (peek(*at), peek(*at + 1)) != (':', ':') {
            break;
        }
        *at += 2;
    }
    found.push(path);
}

/// Every path that code spells from its first word on.
fn spelt(code: &[char]) -> Vec<Spelt> {
    let mut all = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while at < code.len() {
        let earlier = |back: usize| at.checked_sub(back).and_then(|n| code.get(n)).copied().unwrap_or(' ');
        let begins = code.get(at).copied().is_some_and(word)
            && !word(earlier(1))
            && (earlier(1), earlier(2)) != (':', ':');
        if !begins {
            at += 1;
            continue;
        }
        line += code.get(counted..at).unwrap_or_default().iter().filter(|c| **c == '\n').count();
        counted = at;
        let mut found = Vec::new();
        let begun = at;
        let head: String = code.get(at..).unwrap_or_default().iter().take_while(|c| word(**c)).collect();
        if head == "use" {
            at += head.len();
            while code.get(at).is_some_and(|c| c.is_whitespace() || *c == ':') {
                at += 1;
            }
        }
        paths(code, &mut at, &[], &mut found);
        let used = head == "use";
        let found = found.into_iter().filter(|path| used || path.len() > 1);
        all.extend(found.map(|path| Spelt { line, path }));
        at = at.max(begun + 1);
    }
    all
}

/// What a file spells that its row does not allow: the line and a sentence.
fn offences(
    text: &str,
    depth: usize,
    module: &str,
    layers: &BTreeMap<String, Layer>,
    outside: &BTreeSet<String>,
) -> Vec<(usize, String)> {
    let Some(layer) = layers.get(module) else {
        return vec![(1, format!("the layer table has no row for `{module}`"))];
    };
    let mut code = code(text);
    without_tests(&mut code);
    let all = layer.may_use.iter().any(|name| name == EVERYTHING);
    let any = layer.outside.iter().any(|name| name == EVERYTHING);
    let mut wrong = Vec::new();
    for Spelt { line, path } in spelt(&code) {
        let ups = path.iter().take_while(|name| *name == "super").count();
        let inner = match path.first().map(String::as_str) {
            Some("crate" | "invigil") => path.get(1),
            Some("super") if ups >= depth => path.get(ups),
            _ => None,
        };
        if let Some(inner) = inner.filter(|inner| layers.contains_key(*inner)) {
            if !all && inner != module && !layer.may_use.contains(inner) {
                wrong.push((line, format!("`{module}` may not use `{inner}`")));
            }
        } else if path.first().is_some_and(|name| outside.contains(name)) {
            let path = path.join("::");
            let allowed = |entry: &String| {
                path.strip_prefix(entry.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            if !any && !layer.outside.iter().any(allowed) {
                wrong.push((line, format!("`{module}` may not use the crate path `{path}`")));
            }
        }
    }
    wrong
}

/// Files that are test modules declared with `#[cfg(test)] mod name;`.
fn test_files(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let of = |file: &PathBuf| {
        let names = without_tests(&mut code(&read(&root().join(file))));
        let below = file.with_extension("");
        names.into_iter().map(move |name| below.join(name).with_extension("rs"))
    };
    files.iter().flat_map(of).collect()
}

/// The module of the layer table that a file of `src` belongs to, and how deep it lies below the root.
fn module_of(file: &Path) -> Option<(String, usize)> {
    let inner = file.strip_prefix("src").ok()?.with_extension("");
    let first = inner.components().next()?.as_os_str().to_str()?.to_owned();
    // The root only lists the modules.
    (first != "lib").then(|| (first, inner.components().count()))
}

#[test]
fn modules_use_only_what_their_layer_allows() {
    let layers = layers(&read(&root().join("ARCHITECTURE.md")));
    let outside = outside_crates();
    let files = rust_files("src");
    let tests = test_files(&files);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in files.iter().filter(|file| !tests.contains(*file)) {
        let Some((module, depth)) = module_of(file) else { continue };
        seen += 1;
        let offences = offences(&read(&root().join(file)), depth, &module, &layers, &outside);
        wrong.extend(offences.into_iter().map(|(line, what)| format!("{}:{line}: {what}", file.display())));
    }
    assert!(seen > 20, "the files of src were not found");
    assert!(wrong.is_empty(), "against the layer table of ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

#[test]
fn the_layer_table_goes_downward_only() {
    let layers = layers(&read(&root().join("ARCHITECTURE.md")));
    let outside = outside_crates();
    for (module, layer) in &layers {
        for below in layer.may_use.iter().filter(|name| *name != EVERYTHING) {
            let floor = layers.get(below).unwrap_or_else(|| panic!("{module}: no module `{below}`")).floor;
            assert!(floor < layer.floor, "`{module}` stands on floor {} and uses `{below}`", layer.floor);
        }
        for entry in layer.outside.iter().filter(|name| *name != EVERYTHING) {
            let name = entry.split("::").next().unwrap();
            assert!(outside.contains(name), "{module}: Cargo.toml has no `{name}`");
        }
    }
}

#[test]
fn no_source_file_is_too_long() {
    let long: Vec<_> = rust_files("src")
        .into_iter()
        .map(|file| (read(&root().join(&file)).lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, file)| format!("{}:{LONGEST}: goes on to line {lines}", file.display()))
        .collect();
    assert!(long.is_empty(), "divide these:\n{}", long.join("\n"));
}

#[test]
fn every_file_opens_with_what_it_is() {
    let silent: Vec<_> = ["src", "tests", "benches"]
        .into_iter()
        .flat_map(rust_files)
        .filter(|file| !read(&root().join(file)).starts_with("//! "))
        .map(|file| format!("{}:1: says nothing of itself", file.display()))
        .collect();
    assert!(silent.is_empty(), "begin each file with a `//!` sentence:\n{}", silent.join("\n"));
}

const LAW: &str = "
| module | floor | may use | outside crates |
| --- | --- | --- | --- |
| `low` | 0 | – | `serde` |
| `mid` | 1 | `low` | `ratatui::layout` |
| `top` | 2 | everything | everything |
";

fn offences_in(module: &str, depth: usize, text: &str) -> Vec<(usize, String)> {
    let outside = ["serde", "ratatui", "tokio"].map(str::to_owned).into();
    offences(text, depth, module, &layers(LAW), &outside)
}

#[test]
fn the_check_sees_every_way_of_naming_a_module() {
    let upward = |text: &str| offences_in("low", 2, text);
    for text in [
        "\nuse crate::mid::X;",
        "\nuse crate::{low, mid};",
        "\nuse crate::{low::{a, b as c}, mid::{X}};",
        "\nuse super::super::mid;",
        "\nfn f() -> crate::mid::X {}",
    ] {
        assert_eq!(upward(text), [(2, "`low` may not use `mid`".to_owned())], "{text}");
    }
    assert_eq!(offences_in("mid", 1, "use super::top::X;").len(), 1);
    assert_eq!(offences_in("top", 1, "use crate::{low, mid};\nuse tokio::sync;"), []);
    assert_eq!(offences_in("none", 1, "").len(), 1, "a module without a row");
}

#[test]
fn the_check_sees_every_way_of_naming_a_crate() {
    for text in ["use tokio::sync;", "use tokio;", "fn f() { tokio::select! {} }", "use ::tokio as t;"] {
        assert_eq!(offences_in("low", 1, text).len(), 1, "{text}");
    }
    assert_eq!(offences_in("low", 1, "#[derive(serde::Deserialize)]\nstruct X;"), []);
    assert_eq!(offences_in("mid", 1, "use ratatui::layout::Rect;"), []);
    assert_eq!(offences_in("mid", 1, "use ratatui::{layout::Rect, Frame};").len(), 1);
    assert_eq!(offences_in("mid", 1, "use ratatui::layouts::Rect;").len(), 1);
}

#[test]
fn the_check_passes_over_tests_comments_and_strings() {
    let quiet = "//! `crate::mid`\n/* crate::mid */ const A: &str = \"crate::mid\"; // tokio::sync\n\
        const B: &str = r#\"crate::mid \" tokio::sync\"#; const C: char = '\"'; fn f<'a>() {}\n\
        use low::tokio::x;\n#[cfg(test)]\nmod tests { use crate::mid; fn f() { tokio::x() } }";
    assert_eq!(offences_in("low", 2, quiet), []);
    let after = format!("{quiet}\nuse crate::mid;");
    assert_eq!(offences_in("low", 2, &after), [(7, "`low` may not use `mid`".to_owned())]);
    let mut apart = code("#[cfg(test)]\nmod tests;\nuse crate::mid;");
    assert_eq!(without_tests(&mut apart), ["tests"]);
    let mut elsewhere = code("#[cfg(test)]\n#[path = \"a/tests.rs\"]\nmod tests;");
    assert_eq!(without_tests(&mut elsewhere), ["tests"]);
}
