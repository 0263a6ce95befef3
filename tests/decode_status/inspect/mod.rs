//! Handlers, queues and sleeps of live processes, by every backend.

mod handlers;
mod permission;
mod queue;
mod sleep;
