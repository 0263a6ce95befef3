//! Sends the signal to the processes that the criteria select, and checks each
//! of them again after its pidfd is open.

use super::pidfd::{check_open_file_limit, keeps_pidfds};
use super::sender::TargetSender;
use super::{SendAttempt, SendError, SendRequest, SendTarget};
use crate::error::Failure;
use crate::procfs::ProcRoot;
use crate::select::{self, SelectError, SelectedProcess, SelectionResult};
use crate::signal::consts::{KILL, STOP};
use crate::sys::process::pidfd::PidFd;

/// Signals the processes that match, among the named ones if there are any.
/// Returns the attempts and the warnings of the selection.
pub(super) fn send_to_selected(
    sender: &mut TargetSender<'_, '_, '_>,
    max_open_files: u64,
) -> Result<(Vec<SendAttempt>, Vec<String>), Failure> {
    let request = sender.request;
    let named = target_pids(request)?;
    let candidates = if named.is_empty() { None } else { Some(named.as_slice()) };
    let failure = |error: SelectError| Failure {
        exit_status: error.exit_status(),
        cause: anyhow::anyhow!("{error}; nothing was sent"),
    };
    let SelectionResult { processes: mut selected, mut warnings } =
        request.selection.find_processes(&sender.proc.root, candidates).map_err(failure)?;
    if keeps_pidfds(request) {
        check_open_file_limit(selected.len(), max_open_files)?;
    }
    // The named processes come first, in the order of the operands.
    let operand_index =
        |process: &SelectedProcess| named.iter().position(|pid| *pid == process.pid).unwrap_or(usize::MAX);
    selected.sort_by_key(|process| (operand_index(process), process.pid));
    let mut attempts: Vec<SendAttempt> = Vec::new();
    for pid in named.iter().filter(|pid| !selected.iter().any(|process| process.pid == **pid)) {
        let exists = sender.proc.root.stat(*pid).is_ok();
        let error = if exists { SendError::NotSelected } else { SendError::NotFound };
        let mut attempt = SendAttempt::failed(&pid.to_string(), Some(*pid), error);
        sender.proc.add_name_and_uid(&mut attempt);
        attempts.push(attempt);
    }
    stop_tree(request, &sender.proc.root, &mut selected);
    send_to_matches(sender, &selected, &named, &mut attempts);
    send_to_new_children(sender, selected, &mut attempts);
    if attempts.is_empty() && warnings.is_empty() {
        warnings.push("no process matches; nothing was sent".to_owned());
    }
    Ok((attempts, warnings))
}

/// Opens the pidfd of each process, checks that it still matches, and signals it.
/// A process that has exited since the selection is left out, unless it was
/// named.
fn send_to_matches(
    sender: &mut TargetSender<'_, '_, '_>,
    selected: &[SelectedProcess],
    named: &[u32],
    attempts: &mut Vec<SendAttempt>,
) {
    let (selection, root) = (&sender.request.selection, sender.proc.root.clone());
    for process in selected {
        let check_match = |_: &PidFd| {
            if selection.revalidate(&root, process) { Ok(()) } else { Err(SendError::NotFound) }
        };
        let attempt = SendAttempt::new(&process.pid.to_string(), Some(process.pid));
        let attempt = sender.send_to_process(attempt, Some(&check_match));
        if named.contains(&process.pid) || !matches!(attempt.result, Err(SendError::NotFound)) {
            attempts.push(attempt);
        }
    }
}

/// Stops a tree before it is killed, and adds the children that appear until all
/// are stopped. Otherwise a process could fork after it was listed, and the child
/// would leave the tree when its parent is killed.
fn stop_tree(request: &SendRequest, root: &ProcRoot, tree: &mut Vec<SelectedProcess>) {
    const MAX_PASSES: usize = 64;
    let SendRequest { options, selection, signal, .. } = request;
    let kills_tree = selection.includes_descendants && *signal == Some(KILL);
    if !kills_tree || options.dry_run || options.interactive || options.require_handler {
        return;
    }
    let mut running = tree.clone();
    for _ in 0..MAX_PASSES {
        for process in &running {
            // A failure here is reported when KILL is sent.
            if let Ok(pidfd) = PidFd::open(process.pid)
                && selection.revalidate(root, process)
            {
                let _ = pidfd.send(Some(STOP), None);
            }
        }
        let pids: Vec<u32> = tree.iter().map(|process| process.pid).collect();
        let children = select::descendants(root, tree, &pids).unwrap_or_default();
        if children.is_empty() {
            return;
        }
        tree.extend(&children);
        running = children;
    }
}

/// Signals the children that were created while their tree was being signalled.
fn send_to_new_children(
    sender: &mut TargetSender<'_, '_, '_>,
    mut tree: Vec<SelectedProcess>,
    attempts: &mut Vec<SendAttempt>,
) {
    const MAX_PASSES: usize = 16;
    if !sender.request.selection.includes_descendants || sender.request.options.dry_run {
        return;
    }
    for _ in 0..MAX_PASSES {
        let pids: Vec<u32> = tree.iter().map(|process| process.pid).collect();
        let Ok(children) = select::descendants(&sender.proc.root, &tree, &pids) else { return };
        if children.is_empty() {
            return;
        }
        send_to_matches(sender, &children, &[], attempts);
        tree.extend(children);
    }
}

/// The PIDs of the named targets.
fn target_pids(request: &SendRequest) -> Result<Vec<u32>, Failure> {
    let pid = |(operand, target): &(String, SendTarget)| match target {
        SendTarget::Process(pid) => Ok(*pid),
        _ => Err(Failure::usage_error(format!(
            "{operand}: selection options and --tree can be combined only with PIDs"
        ))),
    };
    request.targets.iter().map(pid).collect()
}
