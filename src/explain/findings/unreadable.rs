//! Findings about files of /proc that sigtool has no permission to read.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity};
use crate::procfs::context::UnreadableFile;

pub(super) fn unreadable_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let summary = |file: &UnreadableFile| match file {
        UnreadableFile::Syscall => {
            "No permission to check if a thread waits in sigwait(3) (/proc/PID/syscall)"
        }
        UnreadableFile::SyscallAndWchan => {
            "No permission to read the system call that it is blocked in (/proc/PID/syscall and wchan)"
        }
        UnreadableFile::StatExitCode => "No permission to read which signal stopped it (/proc/PID/stat)",
        UnreadableFile::FdDirectory => "No permission to check if it has a signalfd (/proc/PID/fd)",
    };
    let explanation =
        "Run as root (needs CAP_SYS_PTRACE), or as the same user if kernel.yama.ptrace_scope allows it";
    let finding =
        |file| Finding::new(FindingId::Unreadable, Severity::Note, summary(file), explanation, None);
    process.context.unreadable_files.iter().map(finding).collect()
}
