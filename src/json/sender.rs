//! The sender of a signal in JSON.

use std::borrow::Cow;

use serde::Serialize;

/// The process that sent a signal, or claims to have sent it.
#[derive(Serialize)]
pub(crate) struct SenderObject<'a> {
    /// Null if no process in our PID namespace is known to be the sender.
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    /// The PID in the PID namespace of the receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace_pid: Option<u32>,
    uid: u32,
    /// Null if the process has exited or is not known.
    name: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exited: Option<bool>,
    /// Whether the kernel guarantees the PID and the UID.
    verified: bool,
}

impl<'a> SenderObject<'a> {
    /// A sender with the fields that every command prints.
    pub(crate) fn new(
        pid: Option<u32>,
        uid: u32,
        name: Option<&'a [u8]>,
        verified: bool,
    ) -> SenderObject<'a> {
        let name = name.map(String::from_utf8_lossy);
        SenderObject { pid, tid: None, namespace_pid: None, uid, name, exited: None, verified }
    }

    /// Adds `tid`, if it is known.
    pub(crate) fn with_tid(self, tid: Option<u32>) -> SenderObject<'a> {
        SenderObject { tid, ..self }
    }

    /// Adds `namespace_pid`.
    pub(crate) fn with_namespace_pid(self, namespace_pid: u32) -> SenderObject<'a> {
        SenderObject { namespace_pid: Some(namespace_pid), ..self }
    }

    /// Adds `exited`.
    pub(crate) fn with_exited(self, exited: bool) -> SenderObject<'a> {
        SenderObject { exited: Some(exited), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_omits_optional_fields_by_default() {
        let json = |sender: SenderObject<'_>| serde_json::to_string(&sender).unwrap();
        let sender = || SenderObject::new(Some(7), 1000, Some(b"a\xff"), true);
        assert_eq!(json(sender()), r#"{"pid":7,"uid":1000,"name":"a�","verified":true}"#);
        assert_eq!(
            json(sender().with_tid(Some(8)).with_namespace_pid(1).with_exited(false)),
            r#"{"pid":7,"tid":8,"namespace_pid":1,"uid":1000,"name":"a�","exited":false,"verified":true}"#
        );
        assert_eq!(
            json(SenderObject::new(None, 0, None, false)),
            r#"{"pid":null,"uid":0,"name":null,"verified":false}"#
        );
    }
}
