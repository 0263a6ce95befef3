//! Names of users.
//!
//! From /etc/passwd, then from getent(1), never from the C library: in a static
//! binary its look-up loads modules of another C library and crashes.

use std::fs;
use std::process::{Command, Stdio};

/// The name of a user id on this machine; `None` where nobody has it.
pub fn name(uid: u32) -> Option<String> {
    let known = fs::read("/etc/passwd").ok().and_then(|text| find(&text, uid));
    known.or_else(|| ask(uid))
}

/// Looks a user id up in the text of a passwd file (passwd(5)).
pub fn find(passwd: &[u8], uid: u32) -> Option<String> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let number = fields.nth(1)?;
        let number: u32 = std::str::from_utf8(number).ok()?.parse().ok()?;
        (number == uid).then(|| String::from_utf8_lossy(name).into_owned())
    })
}

/// Asks the other sources of names (directory services) through getent(1).
fn ask(uid: u32) -> Option<String> {
    let answer = Command::new("getent")
        .args(["passwd", &uid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    find(&answer.stdout, uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\n# odd\n+::::::\nweb:x:33:33::/:/bin/false\n::7:7:::\n";
        assert_eq!(find(passwd, 0).as_deref(), Some("root"));
        assert_eq!(find(passwd, 33).as_deref(), Some("web"));
        assert_eq!(find(passwd, 7), None);
        assert_eq!(find(passwd, 1000), None);
        assert_eq!(find(b"cut:x:5", 5).as_deref(), Some("cut"));
    }
}
