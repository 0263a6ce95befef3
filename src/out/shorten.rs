//! Texts that are too long for their place.

use super::grid::display_width;

/// What stands in the place of what is left out.
pub const ELLIPSIS: char = '…';

/// A text in at most so many columns of a terminal, but one at least: what is too
/// long loses its middle.
pub fn shorten_middle(text: &str, most: usize) -> String {
    if display_width(text) <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let head = &text[..fitting_bytes(
        text.char_indices().map(|(at, each)| (at + each.len_utf8(), each)),
        kept.div_ceil(2),
    )];
    let from_behind = text.char_indices().rev().map(|(at, each)| (text.len() - at, each));
    let tail = &text[text.len() - fitting_bytes(from_behind, kept / 2)..];
    format!("{head}{ELLIPSIS}{tail}")
}

/// How many bytes of these characters, each with the bytes up to it, take at most
/// so many columns.
fn fitting_bytes(characters: impl Iterator<Item = (usize, char)>, most: usize) -> usize {
    let mut taken = 0;
    let fitting = characters.take_while(|(_, character)| {
        taken += display_width(character.encode_utf8(&mut [0; 4]));
        taken <= most
    });
    fitting.last().map_or(0, |(bytes, _)| bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shortened_text_omits_middle() {
        for (most, expected) in [(10, "0123456789"), (9, "0123…6789"), (4, "01…9"), (1, "…"), (0, "…")]
        {
            assert_eq!(shorten_middle("0123456789", most), expected);
        }
        assert_eq!(shorten_middle("größe ist größe", 9), "größ…röße");
        assert_eq!(shorten_middle("日本語日本語", 6), "日…語", "two columns each");
    }

    proptest! {
        #[test]
        fn shortened_text_fits_width(text in "\\PC{0,40}", most in 1usize..40) {
            prop_assert!(display_width(&shorten_middle(&text, most)) <= most);
        }
    }
}
