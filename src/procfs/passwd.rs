//! Parsers of passwd and group files.
//!
//! The text comes from /etc/passwd, /etc/group or getent(1), never from the C
//! library: in a static binary its lookup loads modules of another C library and
//! crashes.

/// Returns the name of a UID from the text of a passwd file (passwd(5)).
pub(crate) fn find_name(passwd: &[u8], uid: u32) -> Option<String> {
    passwd.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let id = fields.nth(1)?;
        let id: u32 = std::str::from_utf8(id).ok()?.parse().ok()?;
        (id == uid).then(|| String::from_utf8_lossy(name).into_owned())
    })
}

/// Returns the ID of a name from the text of a passwd or group file (passwd(5),
/// group(5)). Both have the ID in the third field.
pub(crate) fn find_id(text: &[u8], name: &[u8]) -> Option<u32> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        fields.next().filter(|entry_name| !entry_name.is_empty() && *entry_name == name)?;
        std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_name_looks_up_uid() {
        let passwd = b"root:x:0:0:root:/root:/bin/sh\n# odd\n+::::::\nweb:x:33:33::/:/bin/false\n::7:7:::\n";
        assert_eq!(find_name(passwd, 0).as_deref(), Some("root"));
        assert_eq!(find_name(passwd, 33).as_deref(), Some("web"));
        assert_eq!(find_name(passwd, 7), None);
        assert_eq!(find_name(passwd, 1000), None);
        assert_eq!(find_name(b"cut:x:5", 5).as_deref(), Some("cut"));
    }

    #[test]
    fn find_id_looks_up_name() {
        let passwd =
            b"root:x:0:0:root:/root:/bin/sh\nodd:x:y:0\n+::::::\n::7:7:::\nweb:x:33:34::/:/bin/false\n";
        let group = b"adm:x:4:web,root\nweb:x:35:";
        for (text, name, number) in [
            (&passwd[..], "root", Some(0)),
            (passwd, "web", Some(33)),
            (passwd, "we", None),
            (passwd, "odd", None),
            (passwd, "", None),
            (group, "web", Some(35)),
            (group, "adm", Some(4)),
            (group, "root", None),
        ] {
            assert_eq!(find_id(text, name.as_bytes()), number, "{name}");
        }
    }
}
