//! The JSON objects that several commands print. Their field names are stable.
//!
//! A field that only some commands print is omitted unless its `with_` method is
//! called.

mod sender;
mod siginfo_fields;

pub(crate) use sender::SenderObject;
pub(crate) use siginfo_fields::{AbsentFields, ChildObject, SiginfoFieldsObject, TimerObject};
