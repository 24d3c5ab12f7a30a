//! APIs on security. Every listener is PLAINTEXT and there is no authorizer, so each answers as Kafka does then.

pub mod acls;
pub mod delegation_tokens;
pub mod sasl;
