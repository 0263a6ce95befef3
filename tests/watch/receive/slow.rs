//! Tests that take over 5 s: `--skip slow` leaves them out.

use super::flood;

#[test]
fn ninety_thousand_signals_are_received_in_order() {
    flood(90_000);
}

#[test]
fn three_hundred_thousand_signals_are_received_if_sender_waits() {
    flood(300_000);
}
