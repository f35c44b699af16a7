//! The fuzzer's targets on their corpus and on made-up bytes, so that they hold without the fuzzer too.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "reads the corpus; a test that fails is to say where"
)]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// The committed corpus of a target: a file a case.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// A case of the corpus with some of its bytes changed, or any bytes.
fn bytes(cases: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let splice = (any::<prop::sample::Index>(), 0usize..8, proptest::collection::vec(any::<u8>(), 0..6));
    let changed = (proptest::sample::select(cases), proptest::collection::vec(splice, 0..4));
    let changed = changed.prop_map(|(mut case, splices)| {
        for (at, gone, new) in splices {
            let at = at.index(case.len() + 1);
            let end = (at + gone).min(case.len());
            case.splice(at..end, new);
        }
        case
    });
    prop_oneof![4 => changed, 1 => proptest::collection::vec(any::<u8>(), 0..200)]
}

#[test]
fn every_target_holds_for_its_corpus_and_for_changed_bytes() {
    for (name, target) in targets::ALL {
        let corpus = corpus(name);
        assert!(corpus.len() >= 3, "{name} has next to no corpus");
        for (path, case) in &corpus {
            eprintln!("{}", path.display());
            target(case);
        }
        // A session is written for each: files are slower than memory.
        let cases = if name == "import" { 24 } else { 256 };
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let strategy = bytes(corpus.into_iter().map(|(_, case)| case).collect());
        let ended = runner.run(&strategy, |case| {
            target(&case);
            Ok(())
        });
        assert!(ended.is_ok(), "{name}: {ended:?}");
    }
}

/// Each target has its program, so that `cargo fuzz run NAME` knows it.
#[test]
fn every_target_is_a_program_of_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest: toml::Table = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let bins = manifest.get("bin").and_then(toml::Value::as_array).unwrap();
    let mut programs: Vec<_> = bins.iter().filter_map(|bin| bin.get("name")?.as_str()).collect();
    let mut known: Vec<_> = targets::ALL.iter().map(|(name, _)| *name).collect();
    programs.sort_unstable();
    known.sort_unstable();
    assert_eq!(programs, known);
    for name in known {
        let program = std::fs::read_to_string(fuzz.join("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(program.contains(&format!("invigil_fuzz::{name}(data)")), "{name}");
    }
}
