// What Apache Kafka 4.3.1 answers to each call of EveryMethod: `NAME | ANSWER`. A name behind `!` is of an API that Forebay leaves
// out of its ApiVersions: there the client may also say that the node does not support it.
class Answers {
    static final String ALL = """
        createTopics | 2 1 -1
        createTopics-again | TopicExistsException: Topic 'every' already exists.
        listTopics | [empty, every]
        describeTopics | [(partition=0, leader=127.0.0.1:PORT (id: 1 rack: null isFenced: false), replicas=127.0.0.1:PORT (id: 1 rack: null isFenced: false), isr=127.0.0.1:PORT (id: 1 rack: null isFenced: false), elr=, lastKnownElr=), (partition=1, leader=127.0.0.1:PORT (id: 1 rack: null isFenced: false), replicas=127.0.0.1:PORT (id: 1 rack: null isFenced: false), isr=127.0.0.1:PORT (id: 1 rack: null isFenced: false), elr=, lastKnownElr=)]
        describeTopics-unknown | UnknownTopicOrPartitionException: This server does not host this topic-partition.
        createPartitions | null
        createPartitions-fewer | InvalidPartitionsException: The topic every currently has 3 partition(s); 1 would not be an increase.
        electLeaders | {every-0=Optional[org.apache.kafka.common.errors.ElectionNotNeededException: Leader election not needed for topic partition.]}
        electLeaders-unclean | {every-0=Optional[org.apache.kafka.common.errors.ElectionNotNeededException: Leader election not needed for topic partition.]}
        electLeaders-unknown | {nowhere-0=Optional[org.apache.kafka.common.errors.UnknownTopicOrPartitionException: No such topic as nowhere]}
        alterPartitionReassignments | null
        alterPartitionReassignments-broker-that-is-not-there | InvalidReplicaAssignmentException: The manual partition assignment includes broker 9, but no such broker is registered.
        alterPartitionReassignments-unknown | UnknownTopicOrPartitionException: Unable to find a topic named nowhere.
        alterPartitionReassignments-cancel | NoReassignmentInProgressException: No partition reassignment is in progress.
        listPartitionReassignments | {}
        incrementalAlterConfigs | null
        incrementalAlterConfigs-bad-value | InvalidConfigurationException: Invalid value soon for configuration retention.ms: Not a number of type LONG
        incrementalAlterConfigs-unknown-key | InvalidConfigurationException: Unknown topic config name: no.such.key
        incrementalAlterConfigs-of-group | null
        describeConfigs | [cleanup.policy=delete,compact DYNAMIC_TOPIC_CONFIG LIST, retention.ms=-1 DYNAMIC_TOPIC_CONFIG LONG, segment.bytes=1073741824 DEFAULT_CONFIG INT]
        describeConfigs-of-group | [consumer.heartbeat.interval.ms=5000 DEFAULT_CONFIG INT, consumer.session.timeout.ms=50000 DYNAMIC_GROUP_CONFIG INT]
        describeConfigs-of-broker | [group.initial.rebalance.delay.ms=0 STATIC_BROKER_CONFIG INT, num.partitions=1 DEFAULT_CONFIG INT]
        describeConfigs-unknown | UnknownTopicOrPartitionException:
        listConfigResources | [ConfigResource(type=GROUP, name='readers')]
        listClientMetricsResources | []
        describeCluster | 1 1 22 null
        describeLogDirs | [null 3]
        describeReplicaLogDirs | 0
        alterReplicaLogDirs | LogDirNotFoundException: The user-specified log directory is not found in the broker config.
        describeFeatures | [group.version FinalizedVersionRange[min_version_level:1, max_version_level:1], share.version FinalizedVersionRange[min_version_level:1, max_version_level:1], transaction.version FinalizedVersionRange[min_version_level:2, max_version_level:2]]
        updateFeatures-unknown | InvalidUpdateVersionException: The update failed for all features since the following feature had an error: Invalid update version 1 for feature no.such.feature. Local controller 1 does not support this feature.
        describeMetadataQuorum | 1
        unregisterBroker-that-is-not-there | BrokerIdNotRegisteredException: Broker ID 9 is not currently registered
        !addRaftVoter | UnsupportedVersionException: Cluster doesn't support adding voter because the kraft.version feature is 0
        !removeRaftVoter | UnsupportedVersionException: Cluster doesn't support removing voter because the kraft.version feature is 0
        listOffsets | [0@-1, 0@-1, 19@1019, 20@-1, 5@1005]
        listOffsets-unknown | UnknownTopicOrPartitionException: Failed to fetch metadata for partition nowhere-0 because metadata for topic `nowhere` could not be found
        deleteRecords-not-there | OffsetOutOfRangeException: The requested offset is not within the range of offsets maintained by the server.
        deleteRecords | 5
        describeConsumerGroups | Consumer Stable uniform [3]
        describeConsumerGroups-unknown | GroupIdNotFoundException: Group nobody not found.
        describeClassicGroups-of-the-other-type | GroupIdNotFoundException: The group id does not exist.
        listConsumerGroups | [readers Empty]
        listGroups | [readers Consumer consumer]
        listConsumerGroupOffsets | 20
        listConsumerGroupOffsets-unknown | {}
        alterConsumerGroupOffsets | null
        alterConsumerGroupOffsets-unknown-topic | UnknownTopicOrPartitionException: Failed altering group offsets for the following partitions: [nowhere-0]
        deleteConsumerGroupOffsets | null
        removeMembersFromConsumerGroup | UnknownMemberIdException: The coordinator is not aware of this member.
        deleteConsumerGroups | null
        deleteConsumerGroups-again | GroupIdNotFoundException: The group id does not exist.
        alterShareGroupOffsets | null
        listShareGroupOffsets | 6
        describeShareGroups | Empty
        describeShareGroups-unknown | GroupIdNotFoundException: Group nobody not found.
        deleteShareGroupOffsets | null
        deleteShareGroups | null
        !describeStreamsGroups-unknown | GroupIdNotFoundException: Group nobody not found.
        listStreamsGroupOffsets-unknown | {}
        alterStreamsGroupOffsets-unknown | null
        deleteStreamsGroupOffsets-unknown | GroupIdNotFoundException: The group id does not exist.
        deleteStreamsGroups-unknown | GroupIdNotFoundException: The group id does not exist.
        describeTransactions | Ongoing [every-0] 0 60000
        describeTransactions-unknown | TransactionalIdNotFoundException: DescribeTransactions request for transactionalId `nobody` failed because the ID could not be found
        listTransactions | [every-tx Ongoing]
        describeProducers | 0 0 2000 OptionalLong[20] OptionalInt.empty
        abortTransaction-of-another-epoch | UnknownServerException: WriteTxnMarkers request with AbortTransactionSpec(topicPartition=every-0, producerId=1, producerEpoch=-1, coordinatorEpoch=0) failed due to unexpected error: The server experienced an unexpected error when processing the request.
        fenceProducers | epoch 2
        forceTerminateTransaction | null
        abortTransaction | nothing open
        describeAcls | SecurityDisabledException: No Authorizer is configured on the broker
        createAcls | SecurityDisabledException: No Authorizer is configured.
        deleteAcls | SecurityDisabledException: No Authorizer is configured.
        createDelegationToken | UnsupportedByAuthenticationException: Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.
        renewDelegationToken | UnsupportedByAuthenticationException: Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.
        expireDelegationToken | UnsupportedByAuthenticationException: Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.
        describeDelegationToken | UnsupportedByAuthenticationException: Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.
        alterClientQuotas | null
        alterClientQuotas-unknown-key | InvalidRequestException: Invalid configuration key no_such_rate
        describeClientQuotas | {ClientQuotaEntity(entries={user=a})={producer_byte_rate=1024.0}}
        alterUserScramCredentials | null
        alterUserScramCredentials-not-there | ResourceNotFoundException: Attempt to delete a user credential that does not exist
        describeUserScramCredentials | {a=UserScramCredentialsDescription{name='a', credentialInfos=[ScramCredentialInfo{mechanism=SCRAM_SHA_256, iterations=4096}]}}
        describeUserScramCredentials-unknown | {b=UserScramCredentialsDescription{name='b', credentialInfos=[]}}
        clientInstanceId | IllegalStateException: Telemetry is not enabled. Set config `enable.metrics.push` to `true`.
        metrics | false
        registerMetricForSubscription | null
        unregisterMetricFromSubscription | null
        deleteTopics | null
        deleteTopics-again | UnknownTopicOrPartitionException: This server does not host this topic-partition.
        """;
}
