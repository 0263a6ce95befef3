//! Shortens texts that are too long.

use super::grid::display_width;

/// The replacement for the omitted part of a text.
pub const ELLIPSIS: char = '…';

/// Shortens a text to at most `max_width` terminal columns, but not below one
/// column, by replacing its middle with an ellipsis.
pub fn shorten_middle(text: &str, max_width: usize) -> String {
    if display_width(text) <= max_width {
        return text.to_owned();
    }
    let remaining = max_width.saturating_sub(1);
    let forward = text.char_indices().map(|(start, c)| (start + c.len_utf8(), c));
    let head = &text[..fitting_bytes(forward, remaining.div_ceil(2))];
    let backward = text.char_indices().rev().map(|(start, c)| (text.len() - start, c));
    let tail = &text[text.len() - fitting_bytes(backward, remaining / 2)..];
    format!("{head}{ELLIPSIS}{tail}")
}

/// The byte length of the leading characters that fit `max_width` terminal columns.
/// Each character comes with the byte length up to its end.
fn fitting_bytes(characters: impl Iterator<Item = (usize, char)>, max_width: usize) -> usize {
    let mut width = 0;
    let fitting = characters.take_while(|(_, character)| {
        width += display_width(character.encode_utf8(&mut [0; 4]));
        width <= max_width
    });
    fitting.last().map_or(0, |(bytes, _)| bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shortened_text_omits_middle() {
        for (max_width, expected) in [(10, "0123456789"), (9, "0123…6789"), (4, "01…9"), (1, "…"), (0, "…")]
        {
            assert_eq!(shorten_middle("0123456789", max_width), expected);
        }
        assert_eq!(shorten_middle("größe ist größe", 9), "größ…röße");
        assert_eq!(shorten_middle("日本語日本語", 6), "日…語", "two columns each");
    }

    proptest! {
        #[test]
        fn shortened_text_fits_width(text in "\\PC{0,40}", max_width in 1usize..40) {
            prop_assert!(display_width(&shorten_middle(&text, max_width)) <= max_width);
        }
    }
}
