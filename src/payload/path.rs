//! Paths of rows, as people and `jq` write them: `.data.signals["odd key"][2]`.

use super::tree::Tree;

/// The steps from the document to a row, each as it is written in a path: `.data`, `[2]`, `["odd key"]`.
#[must_use]
pub fn steps(tree: &Tree, at: u32) -> Vec<String> {
    let mut steps = Vec::new();
    let mut row = tree.row(at);
    while let Some(found) = row {
        let Some(parent) = found.parent else { break };
        steps.push(match &found.key {
            Some(key) if is_plain(key) => format!(".{key}"),
            Some(key) => format!("[{}]", serde_json::Value::from(&**key)),
            None => format!("[{}]", found.place),
        });
        row = tree.row(parent);
    }
    steps.reverse();
    steps
}

/// The path of a row; the document itself is `.`.
#[must_use]
pub fn of(tree: &Tree, at: u32) -> String {
    let path = steps(tree, at).concat();
    if path.starts_with('.') { path } else { format!(".{path}") }
}

fn is_plain(key: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    key.chars().all(letters) && key.chars().next().is_some_and(|c| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_as_jq_has_them() {
        let tree = Tree::new(br#"{"data":{"list":[1,{"odd key":true}],"2nd":0}}"#);
        let paths: Vec<_> = (0..7).map(|at| of(&tree, at)).collect();
        let expected = [
            ".",
            ".data",
            ".data.list",
            ".data.list[0]",
            ".data.list[1]",
            r#".data.list[1]["odd key"]"#,
            r#".data["2nd"]"#,
        ];
        assert_eq!(paths, expected);
        assert_eq!(of(&Tree::new(b"[[7]]"), 2), ".[0][0]");
    }
}
