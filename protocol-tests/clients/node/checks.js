// kafkajs against the broker named by the first argument: `node checks.js 127.0.0.1:9092 [check ...]`.
// Prints one line a check (`ok NAME MILLIS` or `failed NAME: reason`) and exits with 1 when one failed.
'use strict'

const assert = require('node:assert/strict')
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')

const LIMIT_MS = 30000
const RUN = process.hrtime.bigint().toString(36)
const [bootstrap, ...wanted] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'checks', brokers: [bootstrap], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 } })
const admin = kafka.admin()

const checks = {
  'round-trip-none': () => roundTrip('none', CompressionTypes.None),
  'round-trip-gzip': () => roundTrip('gzip', CompressionTypes.GZIP),
  'round-trip-snappy': () => roundTrip('snappy', CompressionTypes.Snappy),
  'record-fields': recordFields,
  'idempotent-producer': idempotentProducer,
  'group-rebalance': rebalance,
  'committed-offsets-resume': committedOffsetsResume,
  'transaction-commit-abort': transactionCommitAbort,
  'consume-transform-produce': consumeTransformProduce,
  'zombie-fencing': zombieFencing,
  'admin-topics': adminTopics,
  'admin-configs': adminConfigs,
  'admin-cluster': adminCluster,
  'admin-list-offsets': adminListOffsets,
  'admin-delete-records': adminDeleteRecords,
  'admin-groups': adminGroups,
}

// ---- what every check needs

const range = (from, to) => Array.from({ length: to - from }, (_, i) => `v${from + i}`)
const sorted = (values) => [...values].sort()
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what, done) {
  for (const deadline = Date.now() + LIMIT_MS; !(await done()); await pause(10)) {
    assert.ok(Date.now() < deadline, `not within ${LIMIT_MS / 1000} s: ${what}`)
  }
}

/** Gives `use` what `connectable` is, connected, and disconnects it whatever happens. */
async function using(connectable, use) {
  await connectable.connect()
  try {
    return await use(connectable)
  } finally {
    await connectable.disconnect()
  }
}

async function topic(name, numPartitions, configEntries = []) {
  const full = `node-${name}-${RUN}`
  await admin.createTopics({ topics: [{ topic: full, numPartitions, replicationFactor: 1, configEntries }] })
  return full
}

const messages = (from, to) => range(from, to).map((value, i) => ({ key: `k${from + i}`, value }))

const produce = (name, from, to, options = {}) =>
  using(kafka.producer(options), (producer) => producer.send({ topic: name, messages: messages(from, to) }))

/** Every value of the topic from its beginning to its end, in a group of its own. */
async function readAll(name, readUncommitted = false, each = (message) => message.value.toString()) {
  const left = new Map()
  for (const { partition, low, high } of await admin.fetchTopicOffsets(name)) if (low !== high) left.set(partition, BigInt(high))
  const found = []
  const consumer = kafka.consumer({ groupId: `node-read-${RUN}-${Math.random()}`, readUncommitted, maxWaitTimeInMs: 100 })
  return using(consumer, async () => {
    // The end of a partition may be a transaction marker, which no message shows: the next offset to fetch does.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (BigInt(payload.lastOffset) + 1n >= left.get(payload.partition)) left.delete(payload.partition)
    })
    await consumer.subscribe({ topic: name, fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void found.push(each(message)) })
    await until(`read ${name}`, () => left.size === 0)
    return found
  })
}

async function failsWith(type, call) {
  try {
    await call()
  } catch (error) {
    const cause = error.errors ? error.errors[0] : error.groups ? error.groups[0].error : error
    const found = cause.type || (cause.cause && cause.cause.type)
    assert.equal(found, type, `expected ${type}, got ${found}: ${error.message}`)
    return
  }
  assert.fail(`expected ${type}, but it succeeded`)
}

// ---- produce and consume

async function roundTrip(name, compression) {
  const to = await topic(`round-trip-${name}`, 3)
  const sent = range(0, 500).map((value) => value + 'repeat me '.repeat(50))
  await using(kafka.producer(), (producer) =>
    producer.send({ topic: to, compression, messages: sent.map((value) => ({ key: value.slice(0, 4), value })) }))
  assert.deepEqual(sorted(await readAll(to)), sorted(sent))
}

async function recordFields() {
  const to = await topic('fields', 1)
  await using(kafka.producer(), (producer) => producer.send({ topic: to, messages: [
    { value: 'no key', timestamp: '1234567890123', headers: { a: '1' } },
    { key: 'no value', value: null },
  ] }))
  const [first, second] = await readAll(to, false, (message) => message)
  assert.equal(first.key, null)
  assert.equal(first.timestamp, '1234567890123')
  assert.equal(first.headers.a.toString(), '1')
  assert.equal(second.value, null)
  assert.equal(second.offset, '1')
}

async function idempotentProducer() {
  const to = await topic('idempotent', 2)
  await using(kafka.producer({ idempotent: true, maxInFlightRequests: 1 }), async (producer) => {
    for (let from = 0; from < 200; from += 20) await producer.send({ topic: to, messages: messages(from, from + 20) })
  })
  assert.deepEqual(sorted(await readAll(to)), sorted(range(0, 200)))
}

// ---- groups

/** A running group member with what it owns and what it read. */
async function join(name, groupId) {
  const consumer = kafka.consumer({ groupId, heartbeatInterval: 300, sessionTimeout: 10000, rebalanceTimeout: 10000, maxWaitTimeInMs: 100 })
  const member = { consumer, owned: [], values: [] }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { member.owned = payload.memberAssignment[name] || [] })
  await consumer.connect()
  await consumer.subscribe({ topic: name, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void member.values.push(message.value.toString()) })
  return member
}

async function rebalance() {
  const name = await topic('rebalance', 4)
  const group = `node-rebalance-${RUN}`
  await produce(name, 0, 100)
  const first = await join(name, group)
  try {
    await until('the first member owns and reads all', () => first.owned.length === 4 && first.values.length === 100)
    const second = await join(name, group)
    try {
      await until('two and two', () => first.owned.length === 2 && second.owned.length === 2)
      assert.deepEqual(sorted([...first.owned, ...second.owned]), [0, 1, 2, 3])
      await produce(name, 100, 200)
      await until('both read on', () => first.values.length + second.values.length >= 200)
      const { groups: [described] } = await admin.describeGroups([group])
      assert.equal(`${described.state} ${described.members.length}`, 'Stable 2')
      assert.deepEqual(sorted([...first.values, ...second.values]), sorted(range(0, 200)))
    } finally {
      await second.consumer.disconnect()
    }
    await until('the first member owns all again', () => first.owned.length === 4)
  } finally {
    await first.consumer.disconnect()
  }
}

async function committed(groupId) {
  const topics = await admin.fetchOffsets({ groupId })
  return topics.flatMap((t) => t.partitions).reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0)
}

async function committedOffsetsResume() {
  const name = await topic('resume', 2)
  const groupId = `node-resume-${RUN}`
  await produce(name, 0, 40)
  const found = []
  const read = (count) => using(kafka.consumer({ groupId, maxWaitTimeInMs: 100 }), async (consumer) => {
    await consumer.subscribe({ topic: name, fromBeginning: true })
    await consumer.run({ autoCommit: false, eachMessage: async ({ topic, partition, message }) => {
      if (found.length >= count) return
      found.push(message.value.toString())
      await consumer.commitOffsets([{ topic, partition, offset: (BigInt(message.offset) + 1n).toString() }])
    } })
    await until(`${count} committed`, async () => await committed(groupId) === count)
  })
  await read(15)
  await read(40)
  assert.deepEqual(sorted(found), sorted(range(0, 40)))
}

// ---- transactions

const transactional = (name) => kafka.producer({ transactionalId: `node-${name}-${RUN}`, maxInFlightRequests: 1, idempotent: true })

async function transactionCommitAbort() {
  const name = await topic('transactions', 2)
  await using(transactional('tx'), async (producer) => {
    for (const [from, commit] of [[0, true], [50, false], [100, true]]) {
      const transaction = await producer.transaction()
      await transaction.send({ topic: name, messages: messages(from, from + 50) })
      await (commit ? transaction.commit() : transaction.abort())
    }
  })
  assert.deepEqual(sorted(await readAll(name)), sorted([...range(0, 50), ...range(100, 150)]))
  assert.deepEqual(sorted(await readAll(name, true)), sorted(range(0, 150)))
}

async function consumeTransformProduce() {
  const source = await topic('ctp-in', 2)
  const sink = await topic('ctp-out', 2)
  const groupId = `node-ctp-${RUN}`
  await produce(source, 0, 100)
  let aborted = false
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, maxBytesPerPartition: 400 })
  await using(transactional('ctp'), (producer) => using(consumer, async () => {
    await consumer.subscribe({ topic: source, fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async ({ batch, resolveOffset }) => {
      const transform = async () => {
        const transaction = await producer.transaction()
        await transaction.send({ topic: sink, messages: batch.messages.map(({ key, value }) => ({ key, value: `out ${value}` })) })
        const offset = (BigInt(batch.lastOffset()) + 1n).toString()
        await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic: source, partitions: [{ partition: batch.partition, offset }] }] })
        return transaction
      }
      if (!aborted) {
        aborted = true
        await (await transform()).abort()
      }
      await (await transform()).commit()
      resolveOffset(batch.lastOffset())
    } })
    await until('all offsets committed', async () => await committed(groupId) === 100)
  }))
  assert.deepEqual(sorted(await readAll(sink)), sorted(range(0, 100).map((value) => `out ${value}`)))
}

async function zombieFencing() {
  const name = await topic('zombie', 1)
  await using(transactional('zombie'), async (zombie) => {
    const late = await zombie.transaction()
    await late.send({ topic: name, messages: messages(0, 1) })
    await using(transactional('zombie'), async (heir) => {
      const transaction = await heir.transaction()
      await transaction.send({ topic: name, messages: messages(1, 2) })
      const error = await late.send({ topic: name, messages: messages(2, 3) }).then(() => assert.fail('the zombie wrote'), (e) => e)
      assert.match(`${error.type || error.message}`, /PRODUCER_EPOCH|PRODUCER_FENCED|fenced|old epoch/)
      await transaction.commit()
    })
  })
  assert.deepEqual(await readAll(name), range(1, 2))
}

// ---- admin

async function adminTopics() {
  const name = await topic('admin', 2, [{ name: 'retention.ms', value: '123456' }])
  await failsWith('TOPIC_ALREADY_EXISTS', () => admin.createTopics({ topics: [{ topic: name, numPartitions: 1 }, { topic: `${name}x`, numPartitions: 1 }] })
    .then((created) => { if (!created) throw Object.assign(new Error('exists'), { type: 'TOPIC_ALREADY_EXISTS' }) }))
  const partitions = async () => (await admin.fetchTopicMetadata({ topics: [name] })).topics[0].partitions.length
  assert.equal(await partitions(), 2)
  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 5 }] })
  await until('five partitions', async () => await partitions() === 5)
  await admin.deleteTopics({ topics: [name] })
  await until('topic gone', async () => !(await admin.listTopics()).includes(name))
}

async function adminConfigs() {
  const name = await topic('configs', 1, [{ name: 'cleanup.policy', value: 'compact' }])
  const { resources: [{ configEntries }] } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name }] })
  const value = (key) => configEntries.find((entry) => entry.configName === key).configValue
  assert.equal(value('cleanup.policy'), 'compact')
  assert.equal(value('max.message.bytes'), '1048588')
}

async function adminCluster() {
  const { brokers, clusterId } = await admin.describeCluster()
  assert.deepEqual(brokers.map(({ host, port }) => `${host}:${port}`), [bootstrap])
  assert.equal(clusterId.length, 22, 'the cluster id is a base64 uuid')
}

async function adminListOffsets() {
  const name = await topic('list-offsets', 1)
  await using(kafka.producer(), async (producer) => {
    for (const timestamp of ['1000', '3000', '2000']) await producer.send({ topic: name, messages: [{ value: 'v', timestamp }] })
  })
  const [{ low, high }] = await admin.fetchTopicOffsets(name)
  assert.deepEqual([low, high], ['0', '3'])
  const [{ offset }] = await admin.fetchTopicOffsetsByTimestamp(name, 1001)
  assert.equal(offset, '1')
}

async function adminDeleteRecords() {
  const name = await topic('delete-records', 1)
  await produce(name, 0, 20)
  assert.equal((await admin.fetchTopicOffsets(name))[0].high, '20') // also makes kafkajs look up the leader
  await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '15' }] })
  assert.equal((await admin.fetchTopicOffsets(name))[0].low, '15')
  assert.deepEqual(sorted(await readAll(name)), sorted(range(15, 20)))
}

async function adminGroups() {
  const name = await topic('groups', 2)
  const groupId = `node-groups-${RUN}`
  await produce(name, 0, 10)
  const member = await join(name, groupId)
  try {
    await until('all read', () => member.values.length === 10)
    await failsWith('NON_EMPTY_GROUP', () => admin.deleteGroups([groupId]))
  } finally {
    await member.consumer.disconnect()
  }
  assert.ok((await admin.listGroups()).groups.some((group) => group.groupId === groupId), 'group is listed')
  assert.equal(await committed(groupId), 10)
  await admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '0' }, { partition: 1, offset: '0' }] })
  assert.equal(await committed(groupId), 0)
  await admin.deleteGroups([groupId])
  await failsWith('GROUP_ID_NOT_FOUND', () => admin.deleteGroups([groupId]))
}

async function main() {
  let failed = 0
  await admin.connect()
  for (const [name, check] of Object.entries(checks)) {
    if (wanted.length && !wanted.includes(name)) continue
    const start = Date.now()
    try {
      await Promise.race([check(), pause(2 * LIMIT_MS).then(() => assert.fail(`took more than ${2 * LIMIT_MS / 1000} s`))])
      console.log(`ok ${name} ${Date.now() - start}`)
    } catch (error) {
      failed++
      const place = /checks\.js:\d+/.exec((error.stack || '').split('\n').slice(1).find((line) => line.includes('checks.js')) || '')
      console.log(`failed ${name}: ${String(error.message || error).replaceAll('\n', ' ')} (${place || error.name})`)
    }
  }
  await admin.disconnect()
  process.exit(failed ? 1 : 0)
}

main()
