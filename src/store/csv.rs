//! Rows of comma-separated values (RFC 4180) that a spreadsheet cannot take for formulas.

use std::io::{self, Write};

/// Writes one row. A cell that a spreadsheet would run (it begins with `=`, `+`, `-`, `@`, a tab or a line
/// break) gets an apostrophe in front, unless it is a plain number.
pub(super) fn row<T: AsRef<str>>(out: &mut impl Write, cells: impl IntoIterator<Item = T>) -> io::Result<()> {
    let mut between = "";
    for cell in cells {
        let cell = cell.as_ref();
        let formula =
            cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err();
        let guard = if formula { "'" } else { "" };
        if formula || cell.contains([',', '"', '\n', '\r']) {
            write!(out, "{between}\"{guard}{}\"", cell.replace('"', "\"\""))?;
        } else {
            write!(out, "{between}{cell}")?;
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
        row(&mut out, ["a", "b,c", "say \"hi\"", "=HYPERLINK(\"x\")", "-5", "-x", ""]).unwrap();
        let expected = "a,\"b,c\",\"say \"\"hi\"\"\",\"'=HYPERLINK(\"\"x\"\")\",-5,\"'-x\",\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
