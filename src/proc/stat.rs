//! /proc/PID/stat: text to value.

use super::{ProcessName, State};

/// What of the file is used. Its signal fields hold 31 signals at most and are
/// not (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The process.
    pub pid: u32,
    /// The name: any bytes, parentheses and line feeds too.
    pub name: ProcessName,
    /// The state.
    pub state: State,
    /// The parent.
    pub parent: u32,
    /// The process group.
    pub group: u32,
    /// The session.
    pub session: u32,
    /// When it was started, in clock ticks since boot; with the number, this
    /// tells a process from every other. `None` in a text cut short.
    pub start: Option<u64>,
}

impl Stat {
    /// Reads the file. The name ends at the last parenthesis, as none follows it.
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')').filter(|close| *close > open)?;
        let pid = std::str::from_utf8(text[..open].trim_ascii()).ok()?.parse().ok()?;
        let fields = text[close + 1..].split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
        let mut fields = fields.map(|field| std::str::from_utf8(field).unwrap_or_default());
        let state = State::new(fields.next()?.bytes().next()?);
        let mut number = || fields.next()?.parse().ok();
        let (parent, group, session) = (number()?, number()?, number()?);
        // Field 22; the last one taken is field 6.
        let start = fields.nth(15).and_then(|field| field.parse().ok());
        Some(Stat {
            pid,
            name: ProcessName::new(&text[open + 1..close]),
            state,
            parent,
            group,
            session,
            start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_may_hold_anything() {
        for name in ["bash", "a b", "sh) S 1 (x", "two\nlines", "", ")", "("] {
            let text = format!("12 ({name}) S 1 7 5 0 -1 4194560\n");
            let stat = Stat::parse(text.as_bytes()).unwrap();
            assert_eq!(stat.name.as_bytes(), name.as_bytes());
            assert_eq!((stat.state.letter(), stat.parent, stat.group, stat.session), ('S', 1, 7, 5));
            assert_eq!(stat.start, None);
        }
    }

    #[test]
    fn the_start_is_field_22() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        let stat = Stat::parse(format!("12 (x) S {}", fields.join(" ")).as_bytes()).unwrap();
        assert_eq!((stat.parent, stat.group, stat.session, stat.start), (4, 5, 6, Some(22)));
    }

    #[test]
    fn a_text_cut_short_is_none() {
        for text in
            ["", "12", "12 (x", "12 (x)", "12 (x) S", "12 (x) S 1 2", "12 )x( S 1 2 3", "12 (x) S a 2 3"]
        {
            assert_eq!(Stat::parse(text.as_bytes()), None, "{text}");
        }
    }
}
