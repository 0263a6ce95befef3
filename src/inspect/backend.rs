//! The backends that read signal state from outside a process, the choice of one, and the
//! error if a backend cannot be used.

/// A source of information that /proc does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// A BPF program in the kernel. It stops no process.
    Bpf,
    /// ptrace(2), which stops threads for some microseconds.
    Ptrace,
}

/// The backend that the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BackendChoice {
    /// The best backend that may be used. An [`Inspector`](super::Inspector) tries BPF,
    /// then ptrace; an [`EventStream`](super::events::EventStream) uses only BPF, because
    /// ptrace stops a process at each signal.
    #[default]
    Auto,
    /// Only BPF.
    Bpf,
    /// Only ptrace.
    Ptrace,
    /// Only /proc, without a backend. It shows neither handlers nor queues nor events.
    Proc,
}

/// The reason why a backend could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendError {
    /// The reason, as a phrase.
    pub reason: String,
    /// The last lines of the log of the kernel's verifier, if it rejected the program.
    pub verifier_log: Vec<String>,
}

impl Backend {
    /// Returns the identifier used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Backend::Bpf => "bpf",
            Backend::Ptrace => "ptrace",
        }
    }

    /// Returns the name used in sentences.
    pub const fn display_name(self) -> &'static str {
        match self {
            Backend::Bpf => "BPF",
            Backend::Ptrace => "ptrace",
        }
    }
}

impl BackendChoice {
    /// Every choice, in the order in which options list them.
    pub const ALL: [BackendChoice; 4] =
        [BackendChoice::Auto, BackendChoice::Bpf, BackendChoice::Ptrace, BackendChoice::Proc];

    /// Returns the name used in options.
    pub const fn as_str(self) -> &'static str {
        match self {
            BackendChoice::Auto => "auto",
            BackendChoice::Bpf => "bpf",
            BackendChoice::Ptrace => "ptrace",
            BackendChoice::Proc => "proc",
        }
    }

    /// Returns the choice with this name.
    pub fn from_name(name: &str) -> Option<BackendChoice> {
        BackendChoice::ALL.into_iter().find(|choice| choice.as_str() == name)
    }
}

impl BackendError {
    pub(super) fn new(reason: impl Into<String>) -> BackendError {
        BackendError { reason: reason.into(), verifier_log: Vec::new() }
    }
}
