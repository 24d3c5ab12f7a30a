//! The table against the decoder of `kafka-protocol`, and frames that lie.

mod corpus;
mod every_request;
mod frames;
mod lies;
mod served;
mod target;

use super as guard;
