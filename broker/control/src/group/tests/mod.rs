//! Scenarios of the group coordinator in virtual time.
