//! Stream jobs inside the broker: Flink SQL to plan, plan to operators, operators to one commit.
//!
//! * [`sql`] reads statements and plans them; every mistake is reported with its line and column.
//! * [`plan`] is what a job does, step by step; the only thing the engine sees of SQL.
//! * [`expr`] computes with typed values over rows of decoded columns.
//! * [`host`] is the one port to the broker.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod commit;
pub mod expr;
pub mod format;
pub mod host;
pub mod job;
pub mod operator;
pub mod plan;
pub mod sql;
pub mod state;
pub mod time;
