//! Share sessions: what each member reads, so that a fetch only names what has changed (Kafka: ShareSessionCache, ShareSession,
//! ShareSessionContext).
//!
//! A session lives as long as the connection that began it. There is no eviction: who comes when there are enough is told to wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_storage::ids::TopicId;

/// Closes a session. Kafka: ShareRequestMetadata.FINAL_EPOCH.
pub const FINAL_EPOCH: i32 = -1;
/// Opens a session. Kafka: ShareRequestMetadata.INITIAL_EPOCH.
pub const INITIAL_EPOCH: i32 = 0;

/// Most partitions of all sessions together; not Kafka's, which has no limit to them. Who names more gets SHARE_SESSION_LIMIT_REACHED.
const MAX_PARTITIONS: usize = 1_000_000;

/// A connection by its two ends.
pub type ConnectionId = (SocketAddr, SocketAddr);

/// A partition of a topic.
pub type PartitionId = (TopicId, i32);

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShareSessionKey {
    /// The group.
    pub group_id: Arc<str>,
    /// The member.
    pub member_id: Arc<str>,
}

/// A partition that a member reads.
#[derive(Clone, Copy, Debug)]
struct Cached {
    /// Place in the order of the session's partitions.
    place: u64,
    /// Whether its topic was known when the member named it.
    is_known: bool,
    /// Whether the member is yet to hear of it.
    requires_update: bool,
}

struct Session {
    epoch: i32,
    next_place: u64,
    partitions: BTreeMap<PartitionId, Cached>,
    connection: ConnectionId,
}

impl Session {
    fn add(&mut self, partition: PartitionId, is_known: bool, requires_update: bool) {
        let cached = Cached { place: self.next_place, is_known, requires_update };
        self.partitions.entry(partition).or_insert(cached);
        self.next_place += 1;
    }

    /// In the order in which they came, those that had records last behind the others.
    fn in_order(&self) -> Vec<(PartitionId, bool)> {
        let mut all: Vec<_> = self.partitions.iter().map(|(id, cached)| (cached.place, *id, cached.is_known)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, id, is_known)| (id, is_known)).collect()
    }
}

/// What a fetch is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// The session is to be closed: nothing is fetched.
    Final,
    /// The partitions to fetch, each with whether its topic is known.
    Fetch {
        /// In the order in which they are to be served.
        partitions: Vec<(PartitionId, bool)>,
        /// Whether the session was there before: then only news are answered.
        is_subsequent: bool,
    },
}

/// The sessions of a broker.
pub struct ShareSessions {
    most: usize,
    most_partitions: usize,
    /// Of all sessions.
    partitions: usize,
    sessions: HashMap<ShareSessionKey, Session>,
    /// How many sessions each group has; none is left out.
    members: HashMap<Arc<str>, usize>,
    /// The open sessions of each connection: mostly one, but nothing keeps a client from several. None is left out.
    connections: HashMap<ConnectionId, BTreeSet<ShareSessionKey>>,
}

impl ShareSessions {
    /// At most `most` sessions (`group.share.max.share.sessions`).
    #[must_use]
    pub fn new(most: usize) -> ShareSessions {
        ShareSessions::with(most, MAX_PARTITIONS)
    }

    fn with(most: usize, most_partitions: usize) -> ShareSessions {
        ShareSessions {
            most,
            most_partitions,
            partitions: 0,
            sessions: HashMap::new(),
            members: HashMap::new(),
            connections: HashMap::new(),
        }
    }

    /// Ends all sessions (Kafka: ShareSessionCache.removeAllSessions).
    pub fn clear(&mut self) {
        *self = ShareSessions::with(self.most, self.most_partitions);
    }

    /// Begins a fetch (Kafka: SharePartitionManager.newContext). `named` are the request's partitions, each with whether its topic is
    /// known.
    ///
    /// # Errors
    /// SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED, and INVALID_REQUEST for acknowledgements of
    /// what nobody can have yet.
    pub fn begin(
        &mut self,
        key: &ShareSessionKey,
        epoch: i32,
        named: &[(PartitionId, bool)],
        forgotten: &[PartitionId],
        has_acknowledgements: bool,
        connection: ConnectionId,
    ) -> Result<Context, ErrorCode> {
        match epoch {
            FINAL_EPOCH if self.sessions.contains_key(key) => Ok(Context::Final),
            FINAL_EPOCH => Err(ErrorCode::ShareSessionNotFound),
            INITIAL_EPOCH if has_acknowledgements => Err(ErrorCode::InvalidRequest),
            INITIAL_EPOCH => self.open(key, named, connection),
            _ => self.go_on(key, epoch, named, forgotten),
        }
    }

    fn open(
        &mut self,
        key: &ShareSessionKey,
        named: &[(PartitionId, bool)],
        connection: ConnectionId,
    ) -> Result<Context, ErrorCode> {
        self.remove(key);
        if self.sessions.len() >= self.most {
            return Err(ErrorCode::ShareSessionLimitReached);
        }
        let mut session =
            Session { epoch: next_epoch(INITIAL_EPOCH), next_place: 0, partitions: BTreeMap::new(), connection };
        for (partition, is_known) in named {
            session.add(*partition, *is_known, false);
        }
        let partitions = session.in_order();
        if partitions.len() > self.room() {
            return Err(ErrorCode::ShareSessionLimitReached);
        }
        self.partitions += partitions.len();
        self.sessions.insert(key.clone(), session);
        *self.members.entry(key.group_id.clone()).or_default() += 1;
        self.connections.entry(connection).or_default().insert(key.clone());
        Ok(Context::Fetch { partitions, is_subsequent: false })
    }

    fn go_on(
        &mut self,
        key: &ShareSessionKey,
        epoch: i32,
        named: &[(PartitionId, bool)],
        forgotten: &[PartitionId],
    ) -> Result<Context, ErrorCode> {
        let room = self.room();
        let session = self.advance(key, epoch)?;
        let before = session.partitions.len();
        // Kafka adds and then forgets: what is both named and forgotten is not there.
        let forgotten: BTreeSet<&PartitionId> = forgotten.iter().collect();
        session.partitions.retain(|id, _| !forgotten.contains(id));
        let is_new = |id: &PartitionId| !session.partitions.contains_key(id) && !forgotten.contains(id);
        let new: BTreeSet<&PartitionId> = named.iter().map(|(id, _)| id).filter(|id| is_new(id)).collect();
        let has_room = session.partitions.len() + new.len() <= before + room;
        if has_room {
            let added = named.iter().filter(|(id, _)| new.contains(id));
            added.for_each(|(id, is_known)| session.add(*id, *is_known, true));
        }
        let (now, partitions) = (session.partitions.len(), session.in_order());
        self.partitions = self.partitions - before + now;
        if has_room {
            Ok(Context::Fetch { partitions, is_subsequent: true })
        } else {
            Err(ErrorCode::ShareSessionLimitReached)
        }
    }

    /// How many partitions more there may be.
    fn room(&self) -> usize {
        self.most_partitions.saturating_sub(self.partitions)
    }

    fn advance(&mut self, key: &ShareSessionKey, epoch: i32) -> Result<&mut Session, ErrorCode> {
        let session = self.sessions.get_mut(key).ok_or(ErrorCode::ShareSessionNotFound)?;
        if session.epoch != epoch {
            return Err(ErrorCode::InvalidShareSessionEpoch);
        }
        session.epoch = next_epoch(epoch);
        Ok(session)
    }

    /// Begins a ShareAcknowledge (Kafka: SharePartitionManager.acknowledgeSessionUpdate).
    ///
    /// # Errors
    /// SHARE_SESSION_NOT_FOUND and INVALID_SHARE_SESSION_EPOCH.
    pub fn acknowledge(&mut self, key: &ShareSessionKey, epoch: i32) -> Result<(), ErrorCode> {
        match epoch {
            INITIAL_EPOCH => Err(ErrorCode::InvalidShareSessionEpoch),
            FINAL_EPOCH if self.sessions.contains_key(key) => Ok(()),
            FINAL_EPOCH => Err(ErrorCode::ShareSessionNotFound),
            _ => self.advance(key, epoch).map(drop),
        }
    }

    /// Which answers of a subsequent fetch in `epoch` go out: those with records, errors or news. The flags say which of `answers` have
    /// records, and which an error.
    ///
    /// # Errors
    /// INVALID_SHARE_SESSION_EPOCH when the member has sent another request meanwhile.
    pub fn news(
        &mut self,
        key: &ShareSessionKey,
        epoch: i32,
        answers: &[(PartitionId, bool, bool)],
    ) -> Result<Vec<bool>, ErrorCode> {
        // Closed meanwhile: nobody listens.
        let Some(session) = self.sessions.get_mut(key) else { return Ok(vec![true; answers.len()]) };
        if session.epoch != next_epoch(epoch) {
            return Err(ErrorCode::InvalidShareSessionEpoch);
        }
        let mut news = |(id, has_records, has_error): &(PartitionId, bool, bool)| {
            let Some(cached) = session.partitions.get_mut(id) else { return true };
            let is_news = *has_records || *has_error || cached.requires_update;
            // When an error has gone the member is to hear of that, too.
            cached.requires_update = *has_error;
            if *has_records {
                cached.place = session.next_place;
                session.next_place += 1;
            }
            is_news
        };
        Ok(answers.iter().map(&mut news).collect())
    }

    /// Ends a session: what its member has read.
    pub fn remove(&mut self, key: &ShareSessionKey) -> Option<Vec<PartitionId>> {
        let session = self.sessions.remove(key)?;
        self.partitions -= session.partitions.len();
        if let Some(members) = self.members.get_mut(&key.group_id) {
            *members = members.saturating_sub(1);
            if *members == 0 {
                self.members.remove(&key.group_id);
            }
        }
        if let Some(keys) = self.connections.get_mut(&session.connection) {
            keys.remove(key);
            if keys.is_empty() {
                self.connections.remove(&session.connection);
            }
        }
        Some(session.partitions.into_keys().collect())
    }

    /// The sessions of a connection that is gone, each of which is to be removed.
    pub fn disconnected(&mut self, connection: ConnectionId) -> BTreeSet<ShareSessionKey> {
        self.connections.remove(&connection).unwrap_or_default()
    }

    /// Whether no member of a group has a session; then nothing is kept of it.
    #[must_use]
    pub fn is_group_empty(&self, group_id: &str) -> bool {
        !self.members.contains_key(group_id)
    }
}

/// Kafka: ShareRequestMetadata.nextEpoch.
fn next_epoch(epoch: i32) -> i32 {
    match epoch {
        i32::MAX => 1,
        epoch if epoch < 0 => FINAL_EPOCH,
        epoch => epoch + 1,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const T: TopicId = TopicId(Uuid::from_u128(1));

    fn key(member: &str) -> ShareSessionKey {
        ShareSessionKey { group_id: "g".into(), member_id: member.into() }
    }

    fn connection(port: u16) -> ConnectionId {
        (([127, 0, 0, 1], port).into(), ([127, 0, 0, 1], 9092).into())
    }

    fn known(partitions: &[i32]) -> Vec<(PartitionId, bool)> {
        partitions.iter().map(|p| ((T, *p), true)).collect()
    }

    fn fetched(context: Result<Context, ErrorCode>) -> Vec<i32> {
        match context.unwrap() {
            Context::Fetch { partitions, .. } => partitions.iter().map(|((_, p), _)| *p).collect(),
            Context::Final => panic!("a final context"),
        }
    }

    #[test]
    fn a_session_keeps_what_was_named_and_counts_its_requests() {
        let mut sessions = ShareSessions::new(2);
        let m = key("m");
        assert_eq!(sessions.begin(&m, 1, &[], &[], false, connection(1)), Err(ErrorCode::ShareSessionNotFound));
        assert_eq!(fetched(sessions.begin(&m, 0, &known(&[1, 0]), &[], false, connection(1))), [1, 0]);
        assert_eq!(fetched(sessions.begin(&m, 1, &known(&[2]), &[(T, 1)], true, connection(1))), [0, 2]);
        assert_eq!(sessions.begin(&m, 1, &[], &[], false, connection(1)), Err(ErrorCode::InvalidShareSessionEpoch));
        assert_eq!(sessions.acknowledge(&m, 2), Ok(()));
        assert_eq!(sessions.acknowledge(&m, 2), Err(ErrorCode::InvalidShareSessionEpoch));
        assert_eq!(sessions.acknowledge(&m, 0), Err(ErrorCode::InvalidShareSessionEpoch));
        assert_eq!(fetched(sessions.begin(&m, 3, &[], &[], false, connection(1))), [0, 2]);
        assert_eq!(sessions.begin(&m, -1, &[], &[], false, connection(1)), Ok(Context::Final));
        assert_eq!(sessions.remove(&m), Some(vec![(T, 0), (T, 2)]));
        assert_eq!(sessions.acknowledge(&m, -1), Err(ErrorCode::ShareSessionNotFound));
        assert_eq!(next_epoch(i32::MAX), 1);
    }

    #[test]
    fn only_news_are_answered_and_who_had_records_comes_last() {
        let mut sessions = ShareSessions::new(2);
        let m = key("m");
        sessions.begin(&m, 0, &known(&[0, 1]), &[], false, connection(1)).unwrap();
        sessions.begin(&m, 1, &known(&[2]), &[], false, connection(1)).unwrap();
        let answers = [((T, 0), true, false), ((T, 1), false, false), ((T, 2), false, false)];
        assert_eq!(sessions.news(&m, 1, &answers), Ok(vec![true, false, true]), "records, nothing, newly named");
        assert_eq!(sessions.news(&m, 1, &answers[1..]), Ok(vec![false, false]), "told already");
        assert_eq!(fetched(sessions.begin(&m, 2, &[], &[], false, connection(1))), [1, 2, 0]);
        assert_eq!(sessions.news(&m, 2, &[((T, 1), false, true)]), Ok(vec![true]), "an error");
        assert_eq!(sessions.news(&m, 2, &[((T, 1), false, false)]), Ok(vec![true]), "the end of an error");
        assert_eq!(sessions.news(&m, 1, &answers), Err(ErrorCode::InvalidShareSessionEpoch));
    }

    #[test]
    fn there_are_only_so_many_and_a_connection_that_ends_makes_room() {
        let mut sessions = ShareSessions::new(1);
        sessions.begin(&key("a"), 0, &known(&[0]), &[], false, connection(1)).unwrap();
        let refused = sessions.begin(&key("b"), 0, &known(&[0]), &[], false, connection(2));
        assert_eq!(refused, Err(ErrorCode::ShareSessionLimitReached));
        // Anew, not one more.
        sessions.begin(&key("a"), 0, &known(&[0]), &[], false, connection(1)).unwrap();
        assert_eq!(sessions.disconnected(connection(2)), [].into());
        assert!(!sessions.is_group_empty("g"));
        assert_eq!(sessions.disconnected(connection(1)), [key("a")].into());
        sessions.remove(&key("a")).unwrap();
        assert!(sessions.is_group_empty("g"));
        sessions.begin(&key("b"), 0, &known(&[0]), &[], false, connection(2)).unwrap();
        sessions.remove(&key("b")).unwrap();
        assert_eq!(sessions.disconnected(connection(2)), [].into(), "closed before");
    }

    #[test]
    fn there_are_only_so_many_partitions_in_all_sessions() {
        let mut sessions = ShareSessions::with(9, 3);
        let full = Err(ErrorCode::ShareSessionLimitReached);
        sessions.begin(&key("a"), 0, &known(&[0, 1]), &[], false, connection(1)).unwrap();
        assert_eq!(sessions.begin(&key("b"), 0, &known(&[0, 1]), &[], false, connection(2)), full);
        sessions.begin(&key("b"), 0, &known(&[0]), &[], false, connection(2)).unwrap();
        assert_eq!(sessions.begin(&key("a"), 1, &known(&[2]), &[], false, connection(1)), full);
        // The session goes on, and may name what it has, or something in the place of something else.
        assert_eq!(fetched(sessions.begin(&key("a"), 2, &known(&[0, 1]), &[], false, connection(1))), [0, 1]);
        assert_eq!(fetched(sessions.begin(&key("a"), 3, &known(&[2, 2]), &[(T, 1)], false, connection(1))), [0, 2]);
        assert_eq!(fetched(sessions.begin(&key("a"), 4, &known(&[1]), &[(T, 2)], false, connection(1))), [0, 1]);
        assert_eq!(fetched(sessions.begin(&key("a"), 5, &[], &[(T, 0)], false, connection(1))), [1]);
        assert_eq!(fetched(sessions.begin(&key("b"), 1, &known(&[2]), &[], false, connection(2))), [0, 2]);
        sessions.remove(&key("b")).unwrap();
        assert_eq!(fetched(sessions.begin(&key("a"), 0, &known(&[0, 1, 2]), &[], false, connection(1))), [0, 1, 2]);
        sessions.remove(&key("a")).unwrap();
        assert_eq!(sessions.partitions, 0);
    }

    #[test]
    fn nothing_is_kept_of_sessions_that_are_over_however_they_share_connections() {
        let mut sessions = ShareSessions::new(9);
        for (member, port) in [("a", 1), ("b", 1), ("c", 2), ("d", 1)] {
            sessions.begin(&key(member), 0, &known(&[0]), &[], false, connection(port)).unwrap();
        }
        // It goes on elsewhere.
        sessions.begin(&key("b"), 0, &known(&[0]), &[], false, connection(2)).unwrap();
        assert_eq!(sessions.disconnected(connection(1)), [key("a"), key("d")].into());
        sessions.remove(&key("a")).unwrap();
        sessions.remove(&key("d")).unwrap();
        sessions.remove(&key("c")).unwrap();
        assert!(!sessions.is_group_empty("g"));
        sessions.remove(&key("b")).unwrap();
        assert!(sessions.is_group_empty("g"));
        assert!(sessions.members.is_empty() && sessions.connections.is_empty() && sessions.sessions.is_empty());
    }
}
