//! Which replicas a partition may be moved to (Kafka: ReplicationControlManager.alterPartitionReassignment).

use forebay_storage::ids::BrokerId;

use super::machine::MetadataMachine;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;

impl MetadataMachine {
    /// Whether a partition may be given these replicas; `None` takes back a move, and none goes on here. With one node the only
    /// allowed replicas are those it has, so that nothing is to be written.
    pub fn check_reassignment(
        &self,
        topic: &str,
        partition: i32,
        replicas: Option<&[BrokerId]>,
    ) -> Result<(), (ErrorCode, Option<String>)> {
        self.check_move(topic, partition, replicas).map_err(|refusal| (refusal.error, refusal.message))
    }

    fn check_move(&self, topic: &str, partition: i32, replicas: Option<&[BrokerId]>) -> Result<(), Refusal> {
        let unknown = |message: String| Refusal::new(ErrorCode::UnknownTopicOrPartition, message);
        if self.topic(topic).is_none() {
            return Err(unknown(format!("Unable to find a topic named {topic}.")));
        }
        if self.partition(topic, partition).is_none() {
            return Err(unknown(format!("Unable to find partition {topic}:{partition}.")));
        }
        match replicas {
            None => Err(Refusal::silent(ErrorCode::NoReassignmentInProgress)),
            Some(replicas) => self.check_replicas(replicas, None),
        }
    }
}
