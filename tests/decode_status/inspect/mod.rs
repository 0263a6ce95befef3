//! Handlers, queues and sleeps of live processes, with every backend.

mod handlers;
mod permission;
mod queue;
mod sleep;
