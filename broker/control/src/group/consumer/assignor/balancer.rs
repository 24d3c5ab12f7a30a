//! Walks the readers of a topic from both ends of their loads: who has least and gets the next partition, who has most and gives
//! one up (Kafka: UniformHeterogeneousAssignmentBuilder.MemberAssignmentBalancer).
//!
//! Each end is a range of members that all had the same load when the range was entered. The loads are read only when a range
//! grows; in between, the walk itself knows what it has given and taken.

/// The walk, over members given by their numbers.
#[derive(Default)]
pub(super) struct Balancer {
    /// By load, then by number.
    sorted: Vec<usize>,
    least_end: usize,
    least_load: i64,
    next_least: usize,
    most_start: usize,
    most_end: usize,
    most_load: i64,
    /// One more than the place of the next member to give up, so that 0 is "none".
    after_next_most: usize,
}

impl Balancer {
    /// Starts a walk; tells by how much the loads differ. `members` is not empty.
    pub(super) fn start(&mut self, members: &[usize], loads: &[i64]) -> i64 {
        self.sorted.clear();
        self.sorted.extend_from_slice(members);
        self.sorted.sort_by_key(|m| (loads[*m], *m));
        let count = self.sorted.len();
        let (least, most) = (loads[self.sorted[0]], loads[self.sorted[count - 1]]);
        (self.least_end, self.least_load, self.next_least) = (0, least - 1, 0);
        (self.most_start, self.most_end, self.most_load, self.after_next_most) = (count, count, most + 1, count);
        most - least
    }

    /// Who gets the next partition.
    pub(super) fn next_least(&mut self, loads: &[i64]) -> usize {
        if self.next_least >= self.least_end {
            self.least_load += 1;
            while self.least_end < self.sorted.len() && loads[self.sorted[self.least_end]] == self.least_load {
                self.least_end += 1;
            }
            self.next_least = 0;
        }
        self.next_least += 1;
        self.sorted[self.next_least - 1]
    }

    /// Who gives the next partition up, if anybody can.
    pub(super) fn next_most(&mut self, loads: &[i64]) -> Option<usize> {
        if self.after_next_most <= self.most_start {
            if self.most_end <= self.most_start && self.most_start > 0 {
                // All of the range had nothing to give: go down to whoever comes next.
                self.most_load = loads[self.sorted[self.most_start - 1]];
            } else {
                self.most_load -= 1;
            }
            while self.most_start > 0 && loads[self.sorted[self.most_start - 1]] == self.most_load {
                self.most_start -= 1;
            }
            self.after_next_most = self.most_end;
        }
        self.after_next_most = self.after_next_most.checked_sub(1)?;
        Some(self.sorted[self.after_next_most])
    }

    /// The member last given by [`Balancer::next_most`] has nothing to give.
    pub(super) fn exclude_most(&mut self) {
        self.most_end -= 1;
        self.sorted.swap(self.after_next_most, self.most_end);
    }

    /// Whether moving a partition would no longer help.
    pub(super) fn is_balanced(&self) -> bool {
        self.most_load - self.least_load <= 1
    }
}
