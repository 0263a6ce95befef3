//! Shortening of function names for narrow columns.

use crate::out::{ELLIPSIS, shorten_middle};

/// Shortens a function name to at most `max_width` characters. First elides
/// parameters and template arguments, then removes leading namespaces, and
/// finally cuts the middle.
pub(super) fn shorten_symbol(name: &str, most: usize) -> String {
    let is_short = |name: &str| name.chars().count() <= most;
    if is_short(name) {
        return name.to_owned();
    }
    let bare = elide_brackets(name);
    if is_short(&bare) {
        return bare;
    }
    let inner = bare.match_indices("::").map(|(at, _)| format!("{ELLIPSIS}{}", &bare[at..]));
    let inner = inner.filter(|inner| !inner.ends_with("::")).collect::<Vec<_>>();
    let found = inner.iter().find(|inner| is_short(inner)).or(inner.last()).unwrap_or(&bare);
    shorten_middle(found, most)
}

/// Elides each list in brackets: `f(int)` becomes `f(…)`.
fn elide_brackets(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let listed = leading_brackets(rest).filter(|list| is_elidable(&text, list));
        let list = listed.unwrap_or(&rest[..first.len_utf8()]);
        match listed {
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
    let named = ["()", "<>", "(anonymous namespace)"].contains(&list) || list.starts_with("(*");
    !named && !before.ends_with("operator") && !before.ends_with("operator<")
}

/// Returns the list in brackets at the start of a text.
fn leading_brackets(text: &str) -> Option<&str> {
    if !text.starts_with(['(', '<']) {
        return None;
    }
    let mut depth = 0_u32;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '(' | '<' => depth += 1,
            // This bracket is part of `->`.
            '>' if before == '-' => {}
            ')' | '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[..=at]);
        }
        before = character;
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
        for (name, most, expected) in [
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
            assert_eq!(shorten_symbol(name, most), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn shortens_any_name_to_limit(name in "[a-z:()<>* -]{0,60}", most in 1usize..60) {
            prop_assert!(shorten_symbol(&name, most).chars().count() <= most);
        }
    }
}
