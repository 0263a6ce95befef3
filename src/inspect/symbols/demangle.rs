//! Demangling of Rust and C++ symbol names.

use std::fmt::{self, Write};

/// The maximum length of a demangled name. A mangled name of a few bytes can expand to
/// gigabytes.
const MAX_DEMANGLED_BYTES: usize = 4096;

/// Returns the demangled name. A name that is not a mangled one of Rust or C++ is returned
/// unchanged.
pub(in crate::inspect) fn demangle(name: &[u8]) -> Vec<u8> {
    let demangled =
        std::str::from_utf8(name).ok().and_then(|text| match rustc_demangle::try_demangle(text) {
            // The alternate form omits the hash.
            Ok(rust) => write_bounded(|out| write!(out, "{rust:#}")),
            Err(_) => cpp::demangle(text),
        });
    demangled.map_or_else(|| name.to_vec(), String::into_bytes)
}

#[cfg(feature = "cpp")]
mod cpp {
    use std::fmt::{self, Write};

    use cpp_demangle::{BorrowedSymbol, DemangleOptions, DemangleWrite};

    use super::{BoundedString, write_bounded};

    /// Returns `None` if the name is not a mangled C++ name, or if it is nested too deeply.
    pub(super) fn demangle(name: &str) -> Option<String> {
        let mangled = name.starts_with("_Z").then(|| BorrowedSymbol::with_tail(name.as_bytes()));
        let (symbol, rest) = mangled?.ok()?;
        let written =
            write_bounded(|out| symbol.structured_demangle(&mut CppWriter(out), &DemangleOptions::new()))?;
        // The rest names a variant of the function made by the compiler: `.cold`, `.part.0`.
        Some(written + &String::from_utf8_lossy(rest))
    }

    struct CppWriter<'a>(&'a mut BoundedString);

    impl DemangleWrite for CppWriter<'_> {
        fn write_string(&mut self, text: &str) -> fmt::Result {
            self.0.write_str(text)
        }
    }
}

#[cfg(not(feature = "cpp"))]
mod cpp {
    /// Returns `None`: without the feature, C++ names stay mangled.
    pub(super) fn demangle(_: &str) -> Option<String> {
        None
    }
}

/// Returns the written text, or `None` if it is longer than [`MAX_DEMANGLED_BYTES`].
fn write_bounded(write: impl FnOnce(&mut BoundedString) -> fmt::Result) -> Option<String> {
    let mut out = BoundedString(String::new());
    write(&mut out).ok().map(|()| out.0)
}

struct BoundedString(String);

impl Write for BoundedString {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_DEMANGLED_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rust_and_cpp_names_are_demangled() {
        for (name, expected) in [
            ("main", "main"),
            ("", ""),
            ("runtime.sigtramp.abi0", "runtime.sigtramp.abi0"),
            (
                "_ZN3std3sys3pal4unix14stack_overflow3imp14signal_handler17h0123456789abcdefE",
                "std::sys::pal::unix::stack_overflow::imp::signal_handler",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_Znotmangled", "_Znotmangled"),
        ] {
            assert_eq!(demangle(name.as_bytes()), expected.as_bytes());
        }
        #[cfg(feature = "cpp")]
        for (name, expected) in [
            ("_Z7handleri", "handler(int)"),
            (
                "_ZN12_GLOBAL__N_16handleEiP9siginfo_tPv",
                "(anonymous namespace)::handle(int, siginfo_t*, void*)",
            ),
        ] {
            assert_eq!(demangle(name.as_bytes()), expected.as_bytes());
        }
        assert_eq!(demangle(b"br\xffoken"), b"br\xffoken");
    }

    #[test]
    fn oversized_name_is_left_mangled() {
        // pair<pair<...>, the same again>: each level doubles the demangled length.
        let substitutions = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().take(30);
        let nested = substitutions.fold("S_IiiE".to_owned(), |inner, index| format!("S_I{inner}S{index}_E"));
        let name = format!("_Z1f{}", nested.replacen("S_", "St4pair", 1));
        assert_eq!(demangle(name.as_bytes()), name.as_bytes());
        let deep = format!("_Z1f{}i", "P".repeat(100_000));
        assert_eq!(demangle(deep.as_bytes()), deep.as_bytes());
    }

    proptest! {
        #[test]
        fn demangle_accepts_any_bytes(name: Vec<u8>, tail in "[A-Z0-9_a-zE]{0,60}") {
            demangle(&name);
            demangle(format!("_Z{tail}").as_bytes());
            demangle(format!("_R{tail}").as_bytes());
        }
    }
}
