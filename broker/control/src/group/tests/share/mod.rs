//! Scenarios of share groups (KIP-932) in virtual time, and what they are told with.

mod beat;
mod conflicts;
mod joining;
mod offsets;
mod random;
mod states;
