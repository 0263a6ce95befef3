//! Tests that take over 5 s: `--skip slow` leaves them out.

use super::flood;

#[test]
fn ninety_thousand_from_one_sender_are_all_received_in_order() {
    flood(90_000);
}

#[test]
fn three_hundred_thousand_from_one_that_waits_are_all_received_in_order() {
    flood(300_000);
}
