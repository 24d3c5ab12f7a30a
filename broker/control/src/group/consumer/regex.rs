//! Subscriptions by regular expression, resolved in the broker (Kafka: maybeUpdateRegularExpressions, handleRegularExpressionsResult,
//! TopicRegexResolver).
//!
//! Matching is work outside of the machine: an effect asks for it, a command brings what came out. Kafka's engine is RE2/J; ours is
//! `regex-lite`, which has the same syntax without Unicode classes (`\pL`), and in which `\d`, `\w`, `\s` and `(?i)` are ASCII only. Topic
//! names are ASCII. An expression that it does not know is refused as INVALID_REGULAR_EXPRESSION.

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_storage::ids::Timestamp;
use regex_lite::Regex;

use super::change::ConsumerChange;
use super::draft::ConsumerDraft;
use super::member::ConsumerMember;
use super::record::ConsumerRecord;
use super::refusal::Refusal;
use crate::error_code::ErrorCode;
use crate::group::draft::GroupDecision;
use crate::group::effect::GroupEffect;
use crate::group::machine::GroupMachine;
use crate::group::records::{MemberValue, ResolvedRegex};

/// Least milliseconds between two looks at the topics of one group (Kafka: REGEX_BATCH_REFRESH_MIN_INTERVAL_MS); after that time a
/// look that brought nothing is given up too.
const MIN_REFRESH_INTERVAL_MS: i64 = 10_000;

/// Regular expressions to be matched with the topics' names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveRegexes {
    /// The group.
    pub group_id: Arc<str>,
    /// The member whose heartbeat asked for it; only topics count that it may describe.
    pub member_id: Arc<str>,
    /// All expressions of the group.
    pub regexes: Vec<Arc<str>>,
}

/// What regular expressions stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexesResolved {
    /// The group.
    pub group_id: Arc<str>,
    /// Each expression with the topics that it matches.
    pub resolved: Vec<(Arc<str>, BTreeSet<Arc<str>>)>,
    /// Version of the metadata that the topics are of.
    pub version: i64,
}

impl ResolveRegexes {
    /// Matches the expressions with `topics`, which the member may describe and which are of this version of the metadata.
    #[must_use]
    pub fn resolve<'a>(&self, version: i64, topics: impl IntoIterator<Item = &'a Arc<str>>) -> RegexesResolved {
        let mut compiled: Vec<_> = self.regexes.iter().map(|r| (r.clone(), compile(r).ok(), BTreeSet::new())).collect();
        for topic in topics {
            for (_, regex, matched) in &mut compiled {
                if regex.as_ref().is_some_and(|regex| regex.is_match(topic)) {
                    matched.insert(topic.clone());
                }
            }
        }
        let resolved = compiled.into_iter().map(|(regex, _, matched)| (regex, matched)).collect();
        RegexesResolved { group_id: self.group_id.clone(), resolved, version }
    }
}

/// The expression, to be matched with a whole name.
fn compile(regex: &str) -> Result<Regex, regex_lite::Error> {
    // Alone first: what is not one expression by itself must not become one in the brackets.
    Regex::new(regex)?;
    Regex::new(&format!(r"^(?:{regex})$"))
}

/// What a heartbeat means for the regular expressions of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegexUpdate {
    Unchanged,
    /// To one that is not resolved yet.
    Changed,
    /// To one that is resolved, or to none.
    ChangedAndResolved,
}

impl RegexUpdate {
    pub(super) fn has_changed(self) -> bool {
        self != RegexUpdate::Unchanged
    }

    pub(super) fn needs_new_target(self) -> bool {
        self == RegexUpdate::ChangedAndResolved
    }
}

/// When and with what the expressions of a group were last resolved; they always are together.
struct LastLook {
    at: Timestamp,
    version: i64,
}

impl ConsumerDraft<'_> {
    /// Follows a member from its expression to the next, and asks for a look at the topics when one is due. The member's record is
    /// written already.
    pub(super) fn update_regexes(
        &mut self,
        before: &ConsumerMember,
        data: &MemberValue,
    ) -> Result<RegexUpdate, Refusal> {
        let last = self.group.regexes.values().next();
        let last = last
            .map_or(LastLook { at: Timestamp(i64::MIN), version: 0 }, |r| LastLook { at: r.at, version: r.version });
        let (update, is_new) = self.follow_member(before, data)?;
        let regexes: BTreeSet<Arc<str>> = self.group.members.values().filter_map(|m| m.regex().cloned()).collect();
        if !regexes.is_empty() && self.is_look_due(&last, &regexes, is_new) {
            self.change(ConsumerChange::RegexesRequested(self.now));
            let (group_id, member_id) = (self.group.id.clone(), before.id.clone());
            let regexes = regexes.into_iter().collect();
            self.decision.effects.push(GroupEffect::ResolveRegexes(ResolveRegexes { group_id, member_id, regexes }));
        }
        Ok(update)
    }

    /// What changes with the member, and whether its expression is new to the group.
    fn follow_member(&mut self, before: &ConsumerMember, data: &MemberValue) -> Result<(RegexUpdate, bool), Refusal> {
        if before.data.regex == data.regex {
            return Ok((RegexUpdate::Unchanged, false));
        }
        if let Some(old) = before.regex()
            && self.group.readers_by(old) == 0
        {
            self.record(ConsumerRecord::Regex(old.clone(), None));
        }
        if data.regex.is_empty() {
            return Ok((RegexUpdate::ChangedAndResolved, false));
        }
        if self.group.readers_by(&data.regex) == 1 {
            check_regex(&data.regex)?;
            return Ok((RegexUpdate::Changed, true));
        }
        let resolved = self.group.regexes.contains_key(&data.regex);
        Ok((if resolved { RegexUpdate::ChangedAndResolved } else { RegexUpdate::Changed }, false))
    }

    fn is_look_due(&self, last: &LastLook, regexes: &BTreeSet<Arc<str>>, is_new: bool) -> bool {
        let is_past = |at: Timestamp, ms: i64| self.now > at.plus_ms(ms);
        if self.group.resolving_since.is_some_and(|at| !is_past(at, MIN_REFRESH_INTERVAL_MS))
            || !is_past(last.at, MIN_REFRESH_INTERVAL_MS)
        {
            return false;
        }
        is_new
            || regexes.len() != self.group.regexes.len()
            || last.version < self.image().newest_topics()
            || is_past(last.at, self.config().regex_refresh_interval_ms)
    }
}

fn check_regex(regex: &str) -> Result<(), Refusal> {
    compile(regex).map(drop).map_err(|error| {
        let message = format!("SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}.");
        Refusal::new(ErrorCode::InvalidRegularExpression, message)
    })
}

impl GroupMachine {
    /// A look at the topics has ended. All expressions are taken in at once, so that one rebalance follows at most.
    pub(in crate::group) fn regexes_resolved(&self, now: Timestamp, result: RegexesResolved) -> GroupDecision {
        let Some(group) = self.consumer_groups.get(&result.group_id) else { return GroupDecision::default() };
        let mut draft = ConsumerDraft::of(self, now, group.clone());
        draft.change(ConsumerChange::RegexesAnswered);
        let mut changed = false;
        for (regex, topics) in result.resolved {
            if draft.group.readers_by(&regex) == 0 {
                continue;
            }
            let known = draft.group.regexes.get(&regex).map(|r| r.topics.clone()).unwrap_or_default();
            changed |= known != topics;
            let value = ResolvedRegex { topics, version: result.version, at: now };
            draft.record(ConsumerRecord::Regex(regex, Some(value)));
        }
        let hash = draft.metadata_hash();
        if changed || hash != draft.group.metadata_hash {
            draft.bump_epoch(hash);
            let version = draft.image().version();
            draft.change(ConsumerChange::TopicsSeen(version));
        }
        draft.decision
    }
}
