//! Tests of BPF on the running kernel. They are skipped if the kernel or the
//! permissions of the user do not allow BPF.

mod kernel;
mod namespaces;
