//! APIs on security. Every listener is PLAINTEXT and there is no authorizer, so each answers as Kafka does then; credentials are stored.

pub mod acls;
pub mod alter_scram;
pub mod delegation_tokens;
pub mod describe_scram;
pub mod sasl;
mod scram_keys;
