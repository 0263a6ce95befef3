//! Findings about files of /proc that sigtool has no permission to read.

use super::context::FindingContext;
use super::finding::{Finding, FindingId, Severity};
use crate::procfs::context::UnreadableFile;

pub(super) fn unreadable_findings(process: &FindingContext<'_>) -> Vec<Finding> {
    let summary = |file: &UnreadableFile| match file {
        UnreadableFile::Syscall => "whether a thread waits in sigwait(3) may not be read (/proc/PID/syscall)",
        UnreadableFile::SyscallAndWchan => "in what it sleeps may not be read (/proc/PID/syscall, wchan)",
        UnreadableFile::StatExitCode => "by which signal it was stopped may not be read (/proc/PID/stat)",
        UnreadableFile::FdDirectory => {
            "whether it reads signals from a descriptor may not be read (/proc/PID/fd)"
        }
    };
    let explanation = "that takes the right to ptrace(2) it: the same user, if kernel.yama.ptrace_scope allows, or CAP_SYS_PTRACE";
    let finding =
        |file| Finding::new(FindingId::Unreadable, Severity::Note, summary(file), explanation, None);
    process.context.unreadable_files.iter().map(finding).collect()
}
