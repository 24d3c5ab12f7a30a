//! Which log is compacted next (Kafka: LogCleanerManager.grabFilthiestCompactedLog).

use std::sync::Arc;

use forebay_storage::log::CleanPlan;

use crate::partition::Partition;

/// A log with something to compact.
pub struct Candidate {
    /// The partition.
    pub partition: Arc<Partition>,
    /// What there is to do.
    pub plan: CleanPlan,
    /// `min.cleanable.dirty.ratio`.
    pub min_ratio: f64,
}

/// The largest share of dirty bytes among all logs, 0 to 1, due or not.
pub fn dirtiest(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| candidate.plan.dirty_ratio()).fold(0.0, f64::max)
}

/// Of the logs that are dirtier than their configuration allows, or have dirty records that are too old, the dirtiest.
pub fn filthiest(candidates: Vec<Candidate>) -> Option<Candidate> {
    let ratio = |candidate: &Candidate| candidate.plan.dirty_ratio();
    let due = candidates.into_iter().filter(|candidate| is_due(&candidate.plan, candidate.min_ratio));
    due.max_by(|a, b| ratio(a).total_cmp(&ratio(b)))
}

fn is_due(plan: &CleanPlan, min_ratio: f64) -> bool {
    plan.dirty_bytes > 0 && (plan.overdue || plan.dirty_ratio() > min_ratio)
}

#[cfg(test)]
mod tests {
    use forebay_storage::ids::Offset;

    use super::*;

    #[test]
    fn due_by_ratio_or_by_age() {
        let plan = |clean_bytes, dirty_bytes, overdue| CleanPlan {
            first_dirty: Offset(0),
            first_uncleanable: Offset(1),
            clean_bytes,
            dirty_bytes,
            overdue,
        };
        assert!(is_due(&plan(49, 51, false), 0.5));
        assert!(!is_due(&plan(50, 50, false), 0.5), "the ratio must be above, not at the limit");
        assert!(is_due(&plan(99, 1, true), 0.5), "records that are too old");
        assert!(!is_due(&plan(99, 0, true), 0.5), "nothing of them may be compacted yet");
    }
}
