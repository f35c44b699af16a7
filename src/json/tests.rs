//! What is JSON, what is not, and where.

use super::*;

#[test]
fn accepts_what_is_json_and_nothing_else() {
    for good in ["0", "-0.5e+3", "1e400", " [1, {\"a\": [] , \"a\":{}}]\n", r#""\ud800\u00e9\"""#, "null"] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "01",
        "1.",
        "+1",
        "nul",
        "[1,]",
        "{\"a\" 1}",
        "{a:1}",
        "\"\u{1}\"",
        "\"\\x\"",
        "[1] 2",
        "\"\\u12\"",
        "\"",
        "-",
    ] {
        assert!(check(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_string_is_plain_up_to_the_first_byte_that_is_not() {
    for length in 0..40 {
        for at in 0..length {
            for special in [0, 1, 0x1f, b'"', b'\\'] {
                // Whatever follows it, and neighbours that differ by a bit.
                let mut bytes: Vec<u8> = (0..length as u8)
                    .map(|n| [0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xff][n as usize % 8])
                    .collect();
                assert_eq!(plain(&bytes), length);
                bytes[at] = special;
                assert_eq!(plain(&bytes), at);
                bytes[length - 1] = b'"';
                assert_eq!(plain(&bytes), at);
            }
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(&nested(MAX_DEPTH as usize)), Ok(()));
    assert!(check(&nested(10_000)).is_err());
}

#[test]
fn agrees_with_serde_json_on_escapes() {
    for raw in [r"a\n\t\\\/\u00e9\ud83d\ude00z", r"\u0000", "plain", "\\b\\f\\r\\\""] {
        let theirs: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
        assert_eq!(unescape(raw), theirs);
    }
    assert_eq!(unescape(r"\ud800x\udc00"), "\u{fffd}x\u{fffd}");
}

#[test]
fn strange_types_are_not_given() {
    let numbers = |text: &str| Reader::new(text).number().unwrap();
    assert_eq!(numbers("\"3\""), Some(3.0));
    assert_eq!(numbers("57.49999999999999"), Some(57.499_999_999_999_99));
    for odd in ["1e400", "null", "\"inf\"", "\"1.5\"", "\"\"", "[1]", "true"] {
        assert_eq!(numbers(odd), None, "{odd}");
    }
    assert_eq!(Reader::new("{\"a\":1}").string().unwrap(), None);
}
