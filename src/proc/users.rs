//! Names of users.
//!
//! From the text of /etc/passwd, or of what getent(1) prints; never from the C
//! library: in a static binary its look-up loads modules of another C library
//! and crashes.

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
