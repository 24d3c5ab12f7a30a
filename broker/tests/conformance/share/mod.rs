//! Share groups (KIP-932).

mod state;
