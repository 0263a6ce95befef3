//! Shortening of function names for narrow columns.

use crate::out::{ELLIPSIS, shorten_middle};

/// Shortens a function name to at most `max_width` characters. First elides
/// parameters and template arguments, then removes leading namespaces, and
/// finally cuts the middle.
pub(super) fn shorten_symbol(name: &str, max_width: usize) -> String {
    let fits = |name: &str| name.chars().count() <= max_width;
    if fits(name) {
        return name.to_owned();
    }
    let elided = elide_brackets(name);
    if fits(&elided) {
        return elided;
    }
    let suffixes = elided.match_indices("::").map(|(index, _)| format!("{ELLIPSIS}{}", &elided[index..]));
    let suffixes = suffixes.filter(|suffix| !suffix.ends_with("::")).collect::<Vec<_>>();
    let suffix = suffixes.iter().find(|suffix| fits(suffix)).or(suffixes.last()).unwrap_or(&elided);
    shorten_middle(suffix, max_width)
}

/// Elides each list in brackets: `f(int)` becomes `f(…)`.
fn elide_brackets(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let elidable = leading_brackets(rest).filter(|list| is_elidable(&text, list));
        let list = elidable.unwrap_or(&rest[..first.len_utf8()]);
        match elidable {
            Some(_) => text.extend([first, ELLIPSIS, if first == '(' { ')' } else { '>' }]),
            None => text.push(first),
        }
        rest = &rest[list.len()..];
    }
    text
}

/// Returns true if a list is not part of a name. C++ uses brackets in the names
/// of operators and of unnamed items; Go has `main.(*T).f`.
fn is_elidable(before: &str, list: &str) -> bool {
    let is_name_part = ["()", "<>", "(anonymous namespace)"].contains(&list) || list.starts_with("(*");
    !is_name_part && !before.ends_with("operator") && !before.ends_with("operator<")
}

/// Returns the list in brackets at the start of a text.
fn leading_brackets(text: &str) -> Option<&str> {
    if !text.starts_with(['(', '<']) {
        return None;
    }
    let mut depth = 0_u32;
    let mut previous = ' ';
    for (index, character) in text.char_indices() {
        match character {
            '(' | '<' => depth += 1,
            // This bracket is part of `->`.
            '>' if previous == '-' => {}
            ')' | '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[..=index]);
        }
        previous = character;
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shortening_keeps_distinctive_part() {
        let nested = "app::sub::Registry<std::map<int, long>, char>::on_child(int, siginfo_t*, void*)";
        for (name, max_width, expected) in [
            ("f(int)", 6, "f(int)"),
            ("f(int)", 5, "f(…)"),
            ("javaSignalHandler(int, siginfo_t*, void*)", 24, "javaSignalHandler(…)"),
            (nested, 40, "app::sub::Registry<…>::on_child(…)"),
            (nested, 32, "…::sub::Registry<…>::on_child(…)"),
            (nested, 24, "…::on_child(…)"),
            (nested, 10, "…::on…d(…)"),
            ("app::(anonymous namespace)::quiet(int)", 30, "…::quiet(…)"),
            ("app::(anonymous namespace)::quiet(int)", 36, "app::(anonymous namespace)::quiet(…)"),
            ("X::operator()(int, int)", 20, "X::operator()(…)"),
            ("main.(*T).handle.func1", 20, "main.(*T).…dle.func1"),
            ("<a::B as c::D>::call", 16, "<…>::call"),
            ("__nptl_setxid_sighandler", 20, "__nptl_set…ighandler"),
        ] {
            assert_eq!(shorten_symbol(name, max_width), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn shortens_any_name_to_limit(name in "[a-z:()<>* -]{0,60}", max_width in 1usize..60) {
            prop_assert!(shorten_symbol(&name, max_width).chars().count() <= max_width);
        }
    }
}
