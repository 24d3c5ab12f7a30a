//! Environment variables as Apache Kafka's container image reads them: `KAFKA_FOO_BAR` is the key `foo.bar`.
//!
//! `__` stands for `_` and `___` for `-` (Kafka: `KafkaDockerWrapper.getServerConfigsFromEnv`).

/// Variables that start with `KAFKA_` and are no keys: the image's own, and those of Kafka's start scripts and clients.
const NOT_KEYS: &[&str] = &[
    "KAFKA_BOOTSTRAP_SERVERS",
    "KAFKA_BROKERS",
    "KAFKA_CLUSTER_ID",
    "KAFKA_DEBUG",
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_GID",
    "KAFKA_GROUP",
    "KAFKA_HEAP_OPT",
    "KAFKA_HEAP_OPTS",
    "KAFKA_HOME",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JMX_PORT",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_MODE",
    "KAFKA_NATIVE_BINARY_PATH",
    "KAFKA_OPTS",
    "KAFKA_PID_FILE",
    "KAFKA_PORT",
    "KAFKA_SCALA_VERSION",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_UID",
    "KAFKA_URL",
    "KAFKA_USER",
    "KAFKA_VERSION",
];

/// Beginnings of variables that are no keys. Kubernetes sets `KAFKA_PORT_*` and `KAFKA_SERVICE_*` beside a service
/// called kafka.
const NOT_KEY_PREFIXES: &[&str] = &["KAFKA_LOG4J_", "KAFKA_LOG4J2_", "KAFKA_PORT_", "KAFKA_SERVICE_"];

/// The key that a variable sets; `None` if it sets none.
#[must_use]
pub fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix("KAFKA_").filter(|name| !name.is_empty())?;
    if NOT_KEYS.contains(&variable) || NOT_KEY_PREFIXES.iter().any(|prefix| variable.starts_with(prefix)) {
        return None;
    }
    Some(name.to_ascii_lowercase().replace('_', ".").replace("...", "-").replace("..", "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_map_as_in_kafka_s_image() {
        for (variable, key) in [
            ("KAFKA_ADVERTISED_LISTENERS", "advertised.listeners"),
            ("KAFKA_LOG_RETENTION_MS", "log.retention.ms"),
            ("KAFKA_FOREBAY_JOBS_ENABLE", "forebay.jobs.enable"),
            ("KAFKA_LISTENER_NAME_SASL__SSL_SSL_CLIENT_AUTH", "listener.name.sasl_ssl.ssl.client.auth"),
            (
                "KAFKA_LISTENER_NAME_X_SCRAM___SHA___256_SASL_JAAS_CONFIG",
                "listener.name.x.scram-sha-256.sasl.jaas.config",
            ),
        ] {
            assert_eq!(key_of(variable).as_deref(), Some(key), "{variable}");
        }
    }

    #[test]
    fn other_variables_are_left_alone() {
        for variable in [
            "KAFKA_HEAP_OPTS",
            "KAFKA_LOG4J_LOGGERS",
            "KAFKA_CLUSTER_ID",
            "CLUSTER_ID",
            "KAFKA_",
            "KAFKA_PORT_9092_TCP_ADDR",
            "KAFKA_SERVICE_HOST",
            "PATH",
        ] {
            assert_eq!(key_of(variable), None, "{variable}");
        }
    }
}
