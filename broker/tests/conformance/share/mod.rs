//! Share groups (KIP-932).

mod groups;
mod state;
