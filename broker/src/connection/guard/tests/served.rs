//! Every API of the broker's table in every version that is served, by the decoder that the table gives it.

use bytes::Bytes;
use proptest::prelude::*;

use super::frames::{Entropy, frame};
use crate::api::{self, TABLE};
use crate::connection::guard::{check, schema};

/// Runs `body` for every API and version of the table, with a frame made from the guard's schema.
fn for_every_frame(entropy: &[u8], mut body: impl FnMut(&api::Api, i16, Vec<u8>)) {
    for api in TABLE {
        for version in api.min..=api.max {
            let schema = schema::find(api.key as i16, version);
            let schema = schema.unwrap_or_else(|| panic!("{} v{version} has no schema in the guard", api.name));
            body(api, version, frame(schema, version, &mut Entropy::new(entropy)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_well_formed_is_read(entropy in prop::collection::vec(any::<u8>(), 0..600)) {
        for_every_frame(&entropy, |api, version, body| {
            assert_eq!(check(api.key as i16, version, &body), Ok(()), "{} v{version}", api.name);
            let read = api::read(api.key, version, Bytes::from(body));
            assert_eq!(read, Some(Ok(())), "{} v{version}", api.name);
        });
    }

    /// Whatever the guard lets through comes back from the decoder, as a request or as an error.
    #[test]
    fn what_was_tampered_with_is_read_or_refused(
        entropy in prop::collection::vec(any::<u8>(), 0..300),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for_every_frame(&entropy, |api, version, mut body| {
            for (place, byte) in changes.iter().filter(|_| !body.is_empty()).collect::<Vec<_>>() {
                let at = place.index(body.len());
                body[at] = *byte;
            }
            if check(api.key as i16, version, &body).is_ok() {
                assert!(api::read(api.key, version, Bytes::from(body)).is_some(), "{} v{version}", api.name);
            }
        });
    }
}

#[test]
fn what_is_not_served_is_not_read() {
    for api in TABLE {
        assert_eq!(api::read(api.key, api.max + 1, Bytes::new()), None, "{}", api.name);
        assert_eq!(api::read(api.key, api.min - 1, Bytes::new()), None, "{}", api.name);
    }
}
