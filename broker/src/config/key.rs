//! One configuration key as a row of the table: its type, default, scope, and whether it means anything here.

/// The type of a key's value, as Kafka's `ConfigDef.Type`; the number is the one of DescribeConfigs answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum KeyType {
    /// `true` or `false`, in any case.
    Boolean = 1,
    /// Text.
    String = 2,
    /// A whole number of 32 bits.
    Int = 3,
    /// A whole number of 16 bits.
    Short = 4,
    /// A whole number of 64 bits.
    Long = 5,
    /// A number with a fraction.
    Double = 6,
    /// Texts, separated by commas.
    List = 7,
    /// The name of a Java class.
    Class = 8,
    /// Text that is never shown.
    Password = 9,
}

impl KeyType {
    /// The type's name in Kafka's documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Int => "int",
            Self::Short => "short",
            Self::Long => "long",
            Self::Double => "double",
            Self::List => "list",
            Self::Class => "class",
            Self::Password => "password",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "string" => Self::String,
            "int" => Self::Int,
            "short" => Self::Short,
            "long" => Self::Long,
            "double" => Self::Double,
            "list" => Self::List,
            "class" => Self::Class,
            "password" => Self::Password,
            _ => return None,
        })
    }
}

/// What a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A broker, by server.properties, variables or flags.
    Broker,
    /// One topic.
    Topic,
    /// One group.
    Group,
    /// One client metrics subscription (KIP-714).
    ClientMetrics,
}

/// When a key may change, in the words of Kafka's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only by a restart.
    ReadOnly,
    /// While running, for one broker.
    PerBroker,
    /// While running, for one broker or for all.
    ClusterWide,
    /// While running, on the topic, group or subscription it belongs to.
    Dynamic,
}

impl UpdateMode {
    /// The name in Kafka's documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::PerBroker => "per-broker",
            Self::ClusterWide => "cluster-wide",
            Self::Dynamic => "dynamic",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::ReadOnly, Self::PerBroker, Self::ClusterWide, Self::Dynamic].into_iter().find(|mode| mode.name() == name)
    }
}

/// How much a key matters, as Kafka ranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// Look at it before running in earnest.
    High,
    /// Worth knowing.
    Medium,
    /// Rarely touched.
    Low,
}

impl Importance {
    /// The name in Kafka's documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::High, Self::Medium, Self::Low].into_iter().find(|importance| importance.name() == name)
    }
}

/// Whether Forebay does anything with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The key does what Kafka's documentation says.
    Used,
    /// The key is checked and described, and changes nothing.
    Meaningless,
}

/// One row of the table of keys.
#[derive(Clone, Debug)]
pub struct Key {
    /// The name, as in server.properties.
    pub name: &'static str,
    /// The type of its value.
    pub key_type: KeyType,
    /// The default; `None` where Kafka's is null.
    pub default: Option<&'static str>,
    /// What its value may be, in the notation of `config::allowed`; empty is anything of the type.
    pub allowed: &'static str,
    /// What it belongs to.
    pub scope: Scope,
    /// When it may change.
    pub update_mode: UpdateMode,
    /// How much it matters.
    pub importance: Importance,
    /// Whether it does anything here.
    pub effect: Effect,
    /// One line that says what it is for.
    pub doc: &'static str,
    /// The chapter of the reference it stands in.
    pub family: &'static str,
}

impl Key {
    /// Whether values are hidden from every output (Kafka: `KafkaConfig.maybeSensitive`).
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.key_type == KeyType::Password
    }

    /// Whether Kafka calls the key read-only in DescribeConfigs.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.update_mode == UpdateMode::ReadOnly
    }
}
