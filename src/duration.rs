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
    // As sleep(1) takes them: `.5`.
    let zero = if text.starts_with('.') && text.len() > 1 { "0" } else { "" };
    let unit = if bare { "s" } else { "" };
    let parsed = humantime::parse_duration(&format!("{zero}{text}{unit}"));
    parsed
        .map(Some)
        .map_err(|_| "invalid duration (expected a time such as 5s, 1.5s, 200ms or 1m30s, or inf)".to_owned())
}

/// A duration as it is written here: `100ms`, `1.5s`, `1m30s`, `1d`.
pub fn format(time: Duration) -> String {
    let whole = time.as_secs();
    let (millis, nanos) = (time.subsec_millis(), time.subsec_nanos());
    if whole == 0 && nanos > 0 {
        return match (millis, nanos % 1_000_000) {
            (millis, 0) => format!("{millis}ms"),
            _ => format!("{}us", time.as_micros()),
        };
    }
    let mut text = String::new();
    for (count, unit) in [(whole / 86400, "d"), (whole / 3600 % 24, "h"), (whole / 60 % 60, "m")] {
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    match (whole % 60, format!("{millis:03}").trim_end_matches('0')) {
        (0, "") if !text.is_empty() => {}
        (seconds, "") => text += &format!("{seconds}s"),
        (seconds, part) => text += &format!("{seconds}.{part}s"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_durations() {
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
            (".5", 500),
            (".25s", 250),
        ] {
            assert_eq!(millis(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(millis("inf"), Ok(None));
        for bad in ["", ".", ".s", "s", "-5", "5x", "1.2.3", "five", "99999999999999999999"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn format_reverses_parse() {
        for written in
            ["100ms", "250us", "1s", "1.5s", "10s", "1m30s", "1h", "1h0.25s", "1d", "1d2h3m4s", "0s"]
        {
            let time = parse(written).ok().flatten().expect("a duration");
            assert_eq!(format(time), written);
        }
    }
}
