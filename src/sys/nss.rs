//! Databases of names: users and groups.

use std::process::Command;
use std::time::Duration;

use super::process::spawn;

/// What getent(1) may print of one entry: a group may have many members.
const MAX_GETENT_OUTPUT: usize = 1 << 20;

/// Looks an entry up by its name or number: in the text of the file, then in the
/// other sources of names (directory services) through getent(1), which may be
/// slow or hang, and is given a second. `find` reads either text.
///
/// Never through the C library: in a static binary its look-up loads modules of
/// another C library and crashes.
pub fn lookup<T>(file: &str, database: &str, key: &str, find: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    let known = std::fs::read(file).ok().and_then(|text| find(&text));
    known.or_else(|| {
        let mut getent = Command::new("getent");
        getent.args([database, "--", key]);
        find(&spawn::output_with_limits(&mut getent, Duration::from_secs(1), MAX_GETENT_OUTPUT)?)
    })
}
