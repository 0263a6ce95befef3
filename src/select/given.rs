//! What criteria point to and must be read first: pidfiles, namespaces, ports.

use std::io;
use std::path::PathBuf;

use super::{Criteria, SelectError, pidfile};
use crate::proc::net::{self, Protocol, Socket};
use crate::proc::{Files, Root};

/// What was read; `None` where it is not asked for.
#[derive(Debug)]
pub(super) struct Given {
    /// The processes that the pidfiles mean.
    pub(super) pids: Option<Vec<u32>>,
    /// The links that tell the pid namespaces.
    pub(super) namespaces: Option<Vec<PathBuf>>,
    /// The sockets that wait at the ports.
    pub(super) sockets: Option<Vec<Socket>>,
}

impl Given {
    /// Reads what these criteria need.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub(super) fn read(root: &Root, criteria: &Criteria) -> Result<Given, SelectError> {
        let pidfiles = criteria.pidfiles.iter().map(|file| {
            pidfile::process(root, file).map_err(|error| SelectError::Pidfile(file.clone(), error))
        });
        let pids: Vec<u32> = pidfiles.collect::<Result<_, _>>()?;
        let mut files = Files::new(root);
        let links = criteria
            .namespaces_of
            .iter()
            .map(|pid| files.link(*pid, "ns/pid").map_err(|error| SelectError::Namespace(*pid, error)));
        let namespaces: Vec<PathBuf> = links.collect::<Result<_, _>>()?;
        Ok(Given {
            pids: (!criteria.pidfiles.is_empty()).then_some(pids),
            namespaces: (!criteria.namespaces_of.is_empty()).then_some(namespaces),
            sockets: (!criteria.ports.is_empty()).then(|| sockets(root, criteria)).transpose()?,
        })
    }
}

/// The sockets at the ports, in the network namespace of this process, or of
/// process 1 in another /proc.
fn sockets(root: &Root, criteria: &Criteria) -> Result<Vec<Socket>, SelectError> {
    let directory = root.directory().join(if root.is_native() { "self/net" } else { "1/net" });
    let asked = |protocol| criteria.ports.iter().any(|port| port.protocol.is_none_or(|p| p == protocol));
    let mut sockets = Vec::new();
    for protocol in Protocol::ALL.into_iter().filter(|protocol| asked(*protocol)) {
        let mut missing = None;
        let mut read = false;
        for name in protocol.files() {
            let file = directory.join(name);
            match std::fs::read(&file) {
                Ok(text) => {
                    read = true;
                    let waiting = net::sockets(&text, protocol);
                    sockets.extend(
                        waiting.filter(|socket| criteria.ports.iter().any(|port| port.is_of(socket))),
                    );
                }
                // Without IPv6 its file is not there, and the other one is.
                Err(error) if error.kind() == io::ErrorKind::NotFound => missing = Some((file, error)),
                Err(error) => return Err(SelectError::Sockets(file, error)),
            }
        }
        if let Some((file, error)) = missing.filter(|_| !read) {
            return Err(SelectError::Sockets(file, error));
        }
    }
    Ok(sockets)
}
