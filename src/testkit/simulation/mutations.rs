//! The mutation check: each step of the protocol is broken on purpose, and the simulator must notice within a few seeds.
//!
//! | broken | what comes of it |
//! | --- | --- |
