//! Rows of comma-separated values (RFC 4180): what a spreadsheet could take for a formula, or a terminal for a
//! command, is defused by [`Clean::cell`].

use std::io::{self, Write};

use crate::domain::clean::Clean;

/// Writes one row of cells.
pub(super) fn row<T: AsRef<str>>(out: &mut impl Write, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut between = "";
    for cell in cells {
        let cell = Clean::cell(cell.as_ref());
        let text = cell.as_str();
        if text.starts_with('\'') || text.contains([',', ';', '"']) {
            write!(out, "{between}\"{}\"", text.replace('"', "\"\""))?;
        } else {
            write!(out, "{between}{text}")?;
        }
        between = ",";
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_defused() {
        let mut out = Vec::new();
        row(&mut out, ["a", "b,c", "say \"hi\"", "=HYPERLINK(\"x\")", "-5", "-x", "", "a\r\n=b"]).unwrap();
        let expected = "a,\"b,c\",\"say \"\"hi\"\"\",\"'=HYPERLINK(\"\"x\"\")\",-5,\"'-x\",,a␍␊=b\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
