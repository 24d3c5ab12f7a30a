//! The settings of a broker by name: what was set, where, and the default otherwise. Typed structs are read from it.

use std::collections::BTreeMap;

use super::key::{Key, Scope};
use super::origin::Origin;
use super::table::table;
use super::value;

/// One setting as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The value, blanks trimmed.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

/// The broker keys that were set; every value has been checked.
#[derive(Clone, Default)]
pub struct Values {
    set: BTreeMap<&'static str, Setting>,
    /// By the listener's name in lower case and the key behind it.
    of_listeners: BTreeMap<(String, &'static str), String>,
}

/// Keys that a listener may have of its own, as `listener.name.<name>.<key>`.
pub(super) const LISTENER_KEYS: [&str; 2] = ["max.connections", "max.connection.creation.rate"];

impl Values {
    /// Sets a key; a later call wins. The value must have been checked.
    pub(super) fn set(&mut self, key: &'static Key, value: &str, origin: Origin) {
        self.set.insert(key.name, Setting { value: value.trim().to_owned(), origin });
    }

    /// Sets one of [`LISTENER_KEYS`] for one listener. The value must have been checked.
    pub(super) fn set_of_listener(&mut self, listener: &str, key: &'static Key, value: &str) {
        self.of_listeners.insert((listener.to_ascii_lowercase(), key.name), value.trim().to_owned());
    }

    /// What a listener has of its own for a key.
    #[must_use]
    pub fn of_listener(&self, listener: &str, name: &'static str) -> Option<&str> {
        self.of_listeners.get(&(listener.to_ascii_lowercase(), name)).map(String::as_str)
    }

    /// The setting of a key, if anybody set it.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.set.get(name)
    }

    /// Where a key's value comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        self.setting(name).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// The value in force: as set, else the default; `None` is Kafka's null.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.setting(name) {
            Some(setting) => Some(&setting.value),
            None => table().get(Scope::Broker, name)?.default,
        }
    }

    /// The keys that were set.
    pub fn all_set(&self) -> impl Iterator<Item = (&'static str, &Setting)> {
        self.set.iter().map(|(name, setting)| (*name, setting))
    }
}

/// A type that a checked value can be read as.
pub(super) trait FromText: Sized {
    /// Reads a value; `None` is Kafka's null. The result is `None` if the text was not checked.
    fn from_text(text: Option<&str>) -> Option<Self>;
}

impl FromText for bool {
    fn from_text(text: Option<&str>) -> Option<Self> {
        value::parse_bool(text?)
    }
}

impl FromText for String {
    fn from_text(text: Option<&str>) -> Option<Self> {
        text.map(str::to_owned)
    }
}

impl FromText for Vec<String> {
    fn from_text(text: Option<&str>) -> Option<Self> {
        Some(value::list(text.unwrap_or_default()).into_iter().map(str::to_owned).collect())
    }
}

impl<T: FromText> FromText for Option<T> {
    fn from_text(text: Option<&str>) -> Option<Self> {
        match text {
            None => Some(None),
            some => T::from_text(some).map(Some),
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl FromText for $number {
            fn from_text(text: Option<&str>) -> Option<Self> {
                text?.trim().parse().ok()
            }
        }
    )*};
}
numbers!(i16, i32, i64, f64);

/// Declares a struct whose fields are read from keys: `field: Type = "key.name"`.
macro_rules! settings {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident: $kind:ty = $key:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$doc])* #[doc = concat!("\n\nKey `", $key, "`.")] pub $field: $kind,)*
        }

        impl $name {
            /// Reads the fields from checked values.
            pub(super) fn read<'a>(text: impl Fn(&'static str) -> Option<std::borrow::Cow<'a, str>>) -> Self {
                Self {
                    $($field: <$kind as $crate::config::values::FromText>::from_text(text($key).as_deref())
                        .expect("values are checked when they are set, defaults by a test"),)*
                }
            }
        }
    };
}
pub(super) use settings;
