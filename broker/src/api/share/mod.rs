//! APIs of share groups (KIP-932).

pub mod delete_share_group_state;
pub mod initialize_share_group_state;
pub mod read_share_group_state;
pub mod read_share_group_state_summary;
mod state;
pub mod wire;
pub mod write_share_group_state;
