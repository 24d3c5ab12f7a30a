//! The table against the decoder of `kafka-protocol`, and frames that lie.

mod every_request;
mod frames;
mod lies;
