//! Captured requests as people save them: an HTTP message, or headers in a file beside the body.

use super::delivery::Headers;

/// Reads lines `Name: value`; the request line of a message may stand in front.
///
/// # Errors
/// Which line is none.
pub fn headers(text: &str) -> Result<Headers, String> {
    let mut headers = Vec::new();
    for (number, line) in text.lines().map(str::trim_end).enumerate() {
        let request_line =
            number == 0 && line.rsplit(' ').next().is_some_and(|last| last.starts_with("HTTP/"));
        if line.is_empty() || request_line {
            continue;
        }
        let named = line.split_once(':').filter(|(name, _)| is_token(name));
        let (name, value) =
            named.ok_or_else(|| format!("line {}: is no header; write it as `Name: value`", number + 1))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Headers(headers))
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"')
}

/// Takes an HTTP message apart, with line ends of either sort. The body is what follows the empty line, as long
/// as `Content-Length` says, or up to the end.
///
/// # Errors
/// Why the body is not there as it was signed.
pub fn message(bytes: &[u8]) -> Result<(Headers, &[u8]), String> {
    let (head, body) = divide(bytes).ok_or("has no empty line between headers and body")?;
    let headers = headers(&String::from_utf8_lossy(head))?;
    for (name, what) in [("transfer-encoding", "in chunks"), ("content-encoding", "compressed")] {
        if headers.get(name).is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return Err(format!("its body is still {what} (`{name}`); save it as it was before"));
        }
    }
    let Some(length) = headers.get("content-length") else { return Ok((headers, body)) };
    let told: usize = length.parse().map_err(|_no_number| "its `content-length` is no number")?;
    let whole = body.get(..told);
    let whole =
        whole.ok_or_else(|| format!("is cut off: {} of {told} bytes of its body are there", body.len()))?;
    Ok((headers, whole))
}

/// What is before and after the first empty line.
fn divide(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    while let Some(end) = bytes.get(from..)?.iter().position(|byte| *byte == b'\n') {
        let line = bytes.get(from..from + end)?;
        if line.is_empty() || line == b"\r" {
            return Some((bytes.get(..from)?, bytes.get(from + end + 1..)?));
        }
        from += end + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_apart_with_either_line_end() {
        for end in ["\n", "\r\n"] {
            let text =
                ["POST /webhook?a=b:c HTTP/1.1", "Host: x", "SVIX-Id: msg_1", "", "{}\n\n{}"].join(end);
            let (headers, body) = message(text.as_bytes()).unwrap();
            assert_eq!(headers.0, [("host".into(), "x".into()), ("svix-id".into(), "msg_1".into())]);
            assert_eq!(body, b"{}\n\n{}", "to the end, empty lines included");
        }
        let text = b"Content-Length: 2\n\n{}\n";
        assert_eq!(message(text).unwrap().1, b"{}", "an editor's line break at the end is not the sender's");
        assert_eq!(message(b"a: b\n\n").unwrap().1, b"");
    }

    #[test]
    fn what_is_no_message_is_told() {
        for (text, part) in [
            ("a: b\n{}", "no empty line"),
            ("", "no empty line"),
            ("a: b\nsome text\n\n{}", "line 2"),
            ("Content-Length: 3\n\n{}", "2 of 3 bytes"),
            ("Content-Length: x\n\n{}", "no number"),
            ("Transfer-Encoding: chunked\n\n2\n{}", "in chunks"),
            ("content-encoding: gzip\n\n{}", "compressed"),
        ] {
            let why = message(text.as_bytes()).unwrap_err();
            assert!(why.contains(part), "{text:?}: {why}");
        }
    }
}
