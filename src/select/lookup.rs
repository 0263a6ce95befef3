//! Names that this machine defines: users, groups and terminals.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use super::parse;
use crate::procfs::passwd;
use crate::sys::nss::lookup;

/// The device number of /dev/tty, the controlling terminal of the process that
/// opens it: major 5, minor 0 (Documentation/admin-guide/devices.txt).
const CONTROLLING_TTY_DEVICE: u64 = 5 << 8;

/// A database of names.
#[derive(Clone, Copy, Debug)]
pub(super) enum AccountDatabase {
    Users,
    Groups,
}

impl AccountDatabase {
    /// Returns the ID that a word names: the number itself, or the ID of a name
    /// in the file, then in the other name sources through getent(1), which can
    /// be slow.
    ///
    /// # Errors
    /// A message that no such name exists.
    pub(super) fn lookup_id(self, word: &str) -> Result<u32, String> {
        let (file, database, kind) = match self {
            AccountDatabase::Users => ("/etc/passwd", "passwd", "user"),
            AccountDatabase::Groups => ("/etc/group", "group", "group"),
        };
        if parse::is_digits(word) {
            return word.parse().map_err(|_| format!("not a {kind}'s number: it is too great"));
        }
        let find = |text: &[u8]| passwd::find_id(text, word.as_bytes());
        let id = (!word.is_empty()).then(|| lookup(file, database, word, find)).flatten();
        id.ok_or_else(|| format!("there is no such {kind}"))
    }
}

/// Returns the device number of a terminal, as in /proc/PID/stat: of `pts/3` or
/// `/dev/pts/3`. It is 0 for `none` and for `?`, which ps(1) prints.
///
/// # Errors
/// A message that no such terminal exists.
pub(super) fn terminal_device(word: &str) -> Result<u32, String> {
    if word == "none" || word == "?" {
        return Ok(0);
    }
    let path = Path::new("/dev").join(word);
    let device = fs::metadata(&path).ok().filter(|_| !word.is_empty());
    match device.filter(|device| device.file_type().is_char_device()).map(|device| device.rdev()) {
        Some(CONTROLLING_TTY_DEVICE) => {
            Err("that is whatever terminal one has: name it, as tty(1) does".to_owned())
        }
        // For small numbers, such as those of terminals, stat(2) uses the
        // encoding of the kernel.
        Some(device) => u32::try_from(device).map_err(|_| format!("{} is no terminal", path.display())),
        None => Err(format!("there is no terminal {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_group_names_resolve_to_ids() {
        assert_eq!(AccountDatabase::Users.lookup_id("root"), Ok(0));
        assert_eq!(AccountDatabase::Groups.lookup_id("root"), Ok(0));
        assert_eq!(AccountDatabase::Users.lookup_id("4294967295"), Ok(u32::MAX));
        let result = AccountDatabase::Users.lookup_id("nobody-of-this-name");
        assert_eq!(result.unwrap_err(), "there is no such user");
        for word in ["", "-1", "--help", "no\nname", "4294967296"] {
            assert!(AccountDatabase::Groups.lookup_id(word).is_err(), "{word}");
        }
    }

    #[test]
    fn terminal_name_resolves_to_device() {
        assert_eq!(terminal_device("none"), Ok(0));
        assert_eq!(terminal_device("?"), Ok(0));
        // /dev/null is not a terminal, but its device number is known: 1, 3.
        assert_eq!(terminal_device("null"), Ok(0x103));
        assert_eq!(terminal_device("/dev/null"), Ok(0x103));
        assert_eq!(terminal_device("pts/99999").unwrap_err(), "there is no terminal /dev/pts/99999");
        assert!(terminal_device("/dev/tty").is_err());
        for word in ["", "/", "..", "/etc/passwd"] {
            assert!(terminal_device(word).is_err(), "{word}");
        }
    }
}
