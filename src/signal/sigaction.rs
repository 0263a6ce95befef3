//! struct sigaction as plain values: the action of a process for a signal.

use super::SignalSet;

/// SIG_DFL and SIG_IGN, which replace the address of a handler (uapi
/// asm-generic/signal-defs.h).
const SIG_DFL: u64 = 0;
const SIG_IGN: u64 = 1;

/// The names of the flags (uapi asm-generic/signal-defs.h and, for the restorer,
/// asm/signal.h of x86). Only the kernel sets IMMUTABLE, for a forced signal
/// (include/linux/signal_types.h).
const FLAG_NAMES: &[(u64, &str)] = &[
    (0x0000_0001, "NOCLDSTOP"),
    (0x0000_0002, "NOCLDWAIT"),
    (0x0000_0004, "SIGINFO"),
    (0x0000_0400, "UNSUPPORTED"),
    (0x0000_0800, "EXPOSE_TAGBITS"),
    (0x0080_0000, "IMMUTABLE"),
    (SA_RESTORER, "RESTORER"),
    (SA_ONSTACK, "ONSTACK"),
    (0x1000_0000, "RESTART"),
    (0x4000_0000, "NODEFER"),
    (0x8000_0000, "RESETHAND"),
];
const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;

/// The action for one signal, with the fields of rt_sigaction(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sigaction {
    /// The address of the handler, or SIG_DFL or SIG_IGN.
    pub handler: u64,
    /// sa_flags.
    pub flags: u64,
    /// sa_restorer; valid if the flag RESTORER is set.
    pub restorer: u64,
    /// sa_mask: the signals that are additionally blocked while the handler runs.
    pub mask: SignalSet,
}

impl Sigaction {
    /// Whether there is a handler, instead of SIG_DFL or SIG_IGN.
    pub fn is_caught(&self) -> bool {
        !matches!(self.handler, SIG_DFL | SIG_IGN)
    }

    /// Whether the handler runs on the alternate stack (sigaltstack(2)).
    pub fn uses_alternate_stack(&self) -> bool {
        self.flags & SA_ONSTACK != 0
    }

    /// The names of the flags without SA_, in the order of the bits. Bits without a name
    /// are one number at the end.
    pub fn flag_names(&self) -> Vec<String> {
        let named = FLAG_NAMES.iter().filter(|(bit, _)| self.flags & bit != 0);
        let rest = FLAG_NAMES.iter().fold(self.flags, |rest, (bit, _)| rest & !bit);
        let number = (rest != 0).then(|| format!("{rest:#x}"));
        named.map(|(_, name)| (*name).to_owned()).chain(number).collect()
    }

    /// The return address of the handler; `None` if the kernel chooses it.
    pub fn restorer(&self) -> Option<u64> {
        (self.flags & SA_RESTORER != 0).then_some(self.restorer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(handler: u64, flags: u64) -> Sigaction {
        Sigaction { handler, flags, restorer: 0x1000, mask: SignalSet::EMPTY }
    }

    #[test]
    fn is_caught_excludes_default_and_ignore() {
        assert!(!action(0, 0).is_caught());
        assert!(!action(1, 0).is_caught());
        assert!(action(2, 0).is_caught());
    }

    #[test]
    fn flag_names_follow_bit_order() {
        assert_eq!(action(2, 0x1400_0010).flag_names(), ["RESTORER", "RESTART", "0x10"]);
        assert_eq!(action(2, 0).flag_names(), [""; 0]);
        assert!(action(2, SA_ONSTACK).uses_alternate_stack());
        assert!(!action(2, SA_RESTORER).uses_alternate_stack());
    }

    #[test]
    fn restorer_requires_its_flag() {
        assert_eq!(action(2, 0x0400_0000).restorer(), Some(0x1000));
        assert_eq!(action(2, 0).restorer(), None);
    }
}
