//! A config as DescribeConfigs shows it: value, where it comes from, and what stands behind it.

/// Where a value comes from (Kafka: DescribeConfigsResponse.ConfigSource; the numbers are those of the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ConfigSource {
    /// Set on the topic.
    DynamicTopic = 1,
    /// Set at run time for this node.
    DynamicBroker = 2,
    /// Set at run time for all nodes.
    DynamicDefaultBroker = 3,
    /// Set in the server's configuration file.
    StaticBroker = 4,
    /// Kafka's default.
    Default = 5,
}

/// The type of a config's value (Kafka: DescribeConfigsResponse.ConfigType; the numbers are those of the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
#[allow(missing_docs, reason = "the names are Kafka's")]
pub enum ConfigType {
    Unknown = 0,
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// One config with its effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEntry {
    /// The config's name.
    pub name: &'static str,
    /// Its value as text.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: ConfigSource,
    /// The value's type.
    pub config_type: ConfigType,
    /// Whether it cannot be changed at run time.
    pub read_only: bool,
    /// Whether the value must not be shown.
    pub sensitive: bool,
    /// Every value that is set for it, the effective one first, Kafka's default last.
    pub synonyms: Vec<ConfigSynonym>,
}

/// One of the values behind a config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSynonym {
    /// The key under which it is set.
    pub name: String,
    /// The value as text.
    pub value: Option<String>,
    /// Where it is set.
    pub source: ConfigSource,
}
