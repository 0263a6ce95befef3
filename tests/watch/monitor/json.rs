//! The JSON Lines of `watch --pid`, deserialized.

use serde::Deserialize;

/// A line of `watch --pid --json`.
#[allow(dead_code)]
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Change {
    pub(super) time: String,
    pub(super) pid: u32,
    pub(super) tid: Option<u32>,
    pub(super) name: String,
    pub(super) event: String,
    pub(super) state: Option<String>,
    pub(super) threads: Option<u32>,
    pub(super) pending: Option<Vec<String>>,
    pub(super) blocked: Option<Vec<String>>,
    pub(super) ignored: Option<Vec<String>>,
    pub(super) caught: Option<Vec<String>>,
    pub(super) set: String,
    pub(super) signals: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) status: Option<u8>,
    pub(super) killed_by: Option<String>,
    pub(super) core: Option<bool>,
    pub(super) signal: String,
    pub(super) number: u8,
    pub(super) code: i32,
    pub(super) code_name: Option<String>,
    pub(super) meaning: Option<String>,
    pub(super) errno: i32,
    pub(super) verified: bool,
    #[serde(deserialize_with = "crate::watch::deserialize_present")]
    pub(super) sender: Option<Option<Sender>>,
    pub(super) value: Option<i32>,
    pub(super) pointer: Option<u64>,
    pub(super) result: Option<String>,
    pub(super) claims: Option<Claims>,
    pub(super) child: Option<Child>,
    pub(super) backend: String,
    pub(super) stops: u64,
    pub(super) longest_us: u64,
    pub(super) total_us: u64,
}

/// The sender of a signal.
#[derive(Debug, Deserialize)]
#[allow(dead_code)]
#[serde(deny_unknown_fields)]
pub(super) struct Sender {
    pub(super) pid: u32,
    pub(super) tid: Option<u32>,
    pub(super) namespace_pid: Option<u32>,
    pub(super) uid: u32,
    pub(super) name: Option<String>,
    pub(super) exited: bool,
    pub(super) verified: bool,
}

/// The child that a CHLD signal reports.
#[derive(Debug, Deserialize)]
#[allow(dead_code)]
#[serde(deny_unknown_fields)]
pub(super) struct Child {
    pub(super) pid: u32,
    pub(super) namespace_pid: Option<u32>,
    pub(super) uid: u32,
    pub(super) status: i32,
    pub(super) user_ticks: u64,
    pub(super) system_ticks: u64,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) pid: u32,
    pub(super) uid: u32,
}
