//! Durations as people write them: `5s`, `1.5s`, `200ms`, `1m30s`, a bare number
//! of seconds, `inf`.

use std::time::Duration;

/// Reads a duration; `None` within is `inf`, no limit.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Option<Duration>, String> {
    if text == "inf" {
        return Ok(None);
    }
    let bare = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let text = if bare { format!("{text}s") } else { text.to_owned() };
    let parsed = humantime::parse_duration(&text);
    parsed.map(Some).map_err(|error| format!("not a duration (5s, 1.5s, 200ms, 1m30s, inf): {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let millis = |text: &str| parse(text).map(|time| time.map(|time| time.as_millis()));
        for (text, expected) in [
            ("5s", 5000),
            ("1.5s", 1500),
            ("200ms", 200),
            ("1m30s", 90_000),
            ("5", 5000),
            ("0.25", 250),
            ("0", 0),
            ("2h", 7_200_000),
        ] {
            assert_eq!(millis(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(millis("inf"), Ok(None));
        for bad in ["", "s", "-5", "5x", "1.2.3", "five", "99999999999999999999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
