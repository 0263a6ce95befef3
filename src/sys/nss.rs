//! Look-ups in the databases of users and groups (nsswitch.conf(5)).

use std::process::Command;
use std::time::Duration;

use super::process::spawn;

/// The limit of the output of getent(1) in bytes. A group may have many members.
const MAX_GETENT_OUTPUT: usize = 1 << 20;

/// Finds an entry by its name or number: first in the file, then in the other
/// sources of names (directory services) through getent(1), which may be slow or
/// hang and therefore has a timeout of one second. `find` parses either text.
///
/// The functions of the C library are not used, because in a static binary they
/// load modules of another C library and crash.
pub fn lookup<T>(file: &str, database: &str, key: &str, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let local = std::fs::read(file).ok().and_then(|text| find(&text));
    local.or_else(|| {
        let mut getent = Command::new("getent");
        getent.args([database, "--", key]);
        find(&spawn::output_with_limits(&mut getent, Duration::from_secs(1), MAX_GETENT_OUTPUT)?)
    })
}
