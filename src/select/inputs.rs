//! Inputs that the criteria refer to: pidfiles, namespaces and ports. They are
//! read first.

use std::io;
use std::path::PathBuf;

use super::{Criteria, SelectError, pidfile};
use crate::procfs::net::{self, BoundSocket, Protocol};
use crate::procfs::{ProcReader, ProcRoot};

/// The inputs that were read; `None` if no criterion needs them.
#[derive(Debug)]
pub(super) struct ResolvedInputs {
    /// The PIDs in the pidfiles.
    pub(super) pidfile_pids: Option<Vec<u32>>,
    /// The links that identify the PID namespaces.
    pub(super) pid_namespace_links: Option<Vec<PathBuf>>,
    /// The sockets at the ports.
    pub(super) port_sockets: Option<Vec<BoundSocket>>,
}

impl ResolvedInputs {
    /// Reads the inputs that these criteria need.
    ///
    /// # Errors
    /// The first input that cannot be read.
    pub(super) fn resolve(root: &ProcRoot, criteria: &Criteria) -> Result<ResolvedInputs, SelectError> {
        let pidfiles = criteria.pidfiles.iter().map(|file| {
            pidfile::read_pid(root, file).map_err(|error| SelectError::BadPidfile(file.clone(), error))
        });
        let pids: Vec<u32> = pidfiles.collect::<Result<_, _>>()?;
        let mut reader = ProcReader::new(root);
        let links = criteria.pid_namespaces_of.iter().map(|pid| {
            reader.read_link(*pid, "ns/pid").map_err(|error| SelectError::NamespaceUnreadable(*pid, error))
        });
        let namespaces: Vec<PathBuf> = links.collect::<Result<_, _>>()?;
        Ok(ResolvedInputs {
            pidfile_pids: (!criteria.pidfiles.is_empty()).then_some(pids),
            pid_namespace_links: (!criteria.pid_namespaces_of.is_empty()).then_some(namespaces),
            port_sockets: (!criteria.ports.is_empty())
                .then(|| read_port_sockets(root, criteria))
                .transpose()?,
        })
    }
}

/// The sockets at the ports, in the network namespace of this process, or of
/// process 1 if another /proc is used.
fn read_port_sockets(root: &ProcRoot, criteria: &Criteria) -> Result<Vec<BoundSocket>, SelectError> {
    let directory = root.directory().join(if root.is_native() { "self/net" } else { "1/net" });
    let is_requested =
        |protocol| criteria.ports.iter().any(|port| port.protocol.is_none_or(|p| p == protocol));
    let mut sockets = Vec::new();
    for protocol in Protocol::ALL.into_iter().filter(|protocol| is_requested(*protocol)) {
        let mut missing = None;
        let mut was_read = false;
        for name in protocol.proc_files() {
            let file = directory.join(name);
            match std::fs::read(&file) {
                Ok(text) => {
                    was_read = true;
                    let sockets_in_file = net::parse_sockets(&text, protocol);
                    sockets.extend(
                        sockets_in_file
                            .filter(|socket| criteria.ports.iter().any(|port| port.matches(socket))),
                    );
                }
                // Without IPv6, its file is missing and the one of IPv4 exists.
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing = Some((file, error)),
                Err(error) => return Err(SelectError::SocketsUnreadable(file, error)),
            }
        }
        if let Some((file, error)) = missing.filter(|_| !was_read) {
            return Err(SelectError::SocketsUnreadable(file, error));
        }
    }
    Ok(sockets)
}
