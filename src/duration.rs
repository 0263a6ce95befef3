//! Durations as text: parsing of arguments, and the formats of output.

use std::time::Duration;

/// Parses a duration: `5s`, `1.5s`, `200ms`, `1m30s`, a number of seconds without a unit,
/// or `inf`. Returns `None` for `inf`, which means no limit.
///
/// # Errors
/// A message with the reason why the text is not a duration.
pub fn parse(text: &str) -> Result<Option<Duration>, String> {
    if text == "inf" {
        return Ok(None);
    }
    let lacks_unit = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // `.5`, as in sleep(1).
    let zero = if text.starts_with('.') && text.len() > 1 { "0" } else { "" };
    let unit = if lacks_unit { "s" } else { "" };
    let parsed = humantime::parse_duration(&format!("{zero}{text}{unit}"));
    parsed.map(Some).map_err(|error| format!("not a duration (5s, 1.5s, 200ms, 1m30s, inf): {error}"))
}

/// The duration in the syntax of [`parse`], not rounded to a single unit: `100ms`,
/// `1.5s`, `1m30s`, `1d`.
pub fn format(duration: Duration) -> String {
    let total_seconds = duration.as_secs();
    let (millis, nanos) = (duration.subsec_millis(), duration.subsec_nanos());
    if total_seconds == 0 && nanos > 0 {
        return match (millis, nanos % 1_000_000) {
            (millis, 0) => format!("{millis}ms"),
            _ => format!("{}us", duration.as_micros()),
        };
    }
    let mut text = String::new();
    let parts =
        [(total_seconds / 86400, "d"), (total_seconds / 3600 % 24, "h"), (total_seconds / 60 % 60, "m")];
    for (count, unit) in parts {
        if count > 0 {
            text += &format!("{count}{unit}");
        }
    }
    match (total_seconds % 60, format!("{millis:03}").trim_end_matches('0')) {
        (0, "") if !text.is_empty() => {}
        (seconds, "") => text += &format!("{seconds}s"),
        (seconds, fraction) => text += &format!("{seconds}.{fraction}s"),
    }
    text
}

/// The duration rounded to tenths of a second: `2.5 s`.
pub fn format_seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// The duration in milliseconds below one second, otherwise in tenths of a second:
/// `12 ms`, `2.5 s`.
pub fn format_millis(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        _ => format_seconds(duration),
    }
}

/// The duration in microseconds below 100 us, otherwise with one decimal in
/// milliseconds or seconds: `41 us`, `0.4 ms`, `1.5 s`.
pub fn format_micros(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..100 => format!("{micros} us"),
        // From 999.95 ms on, milliseconds would be rounded to 1000.0.
        ..999_950 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        _ => format_seconds(duration),
    }
}

/// The duration in microseconds below 10 ms, otherwise in whole milliseconds: `410 us`,
/// `12 ms`.
pub fn format_micros_or_millis(duration: Duration) -> String {
    match duration.as_micros() {
        micros @ ..10_000 => format!("{micros} us"),
        micros => format!("{} ms", micros / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_accepts_durations() {
        let millis = |text: &str| parse(text).map(|parsed| parsed.map(|duration| duration.as_millis()));
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
        for invalid in ["", ".", ".s", "s", "-5", "5x", "1.2.3", "five", "99999999999999999999"] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn format_reverses_parse() {
        for text in ["100ms", "250us", "1s", "1.5s", "10s", "1m30s", "1h", "1h0.25s", "1d", "1d2h3m4s", "0s"]
        {
            let duration = parse(text).ok().flatten().expect("a duration");
            assert_eq!(format(duration), text);
        }
    }

    #[test]
    fn rounding_formats_choose_unit_by_length() {
        for (micros, seconds, millis, tenths, whole) in [
            (41, "0.0 s", "0 ms", "41 us", "41 us"),
            (410, "0.0 s", "0 ms", "0.4 ms", "410 us"),
            (12_500, "0.0 s", "12 ms", "12.5 ms", "12 ms"),
            (999_949, "1.0 s", "999 ms", "999.9 ms", "999 ms"),
            (999_950, "1.0 s", "999 ms", "1.0 s", "999 ms"),
            (2_500_000, "2.5 s", "2.5 s", "2.5 s", "2500 ms"),
        ] {
            let duration = Duration::from_micros(micros);
            assert_eq!(format_seconds(duration), seconds);
            assert_eq!(format_millis(duration), millis);
            assert_eq!(format_micros(duration), tenths);
            assert_eq!(format_micros_or_millis(duration), whole);
        }
    }
}
