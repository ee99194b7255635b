// kafkajs, which shares no line with librdkafka nor with python3-kafka: admin, producer, and fetches of its own codecs.
//
//   NODE_PATH=FOLDER/node_modules node kafkajs_cases.cjs HOST:PORT [PATTERN]
//
// Its consumer knows nothing but groups, so that records are read through the client's inner broker object.
'use strict'

const assert = require('assert/strict')
const { Kafka, CompressionTypes, ConfigResourceTypes, KafkaJSProtocolError, logLevel } = require('kafkajs')
const Cluster = require('kafkajs/src/cluster')
const socketFactory = require('kafkajs/src/network/socketFactory')
const { createLogger } = require('kafkajs/src/loggers')

const [address, pattern] = process.argv.slice(2)
const quiet = { level: logLevel.NOTHING, logCreator: () => () => {} }
const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 3 } })
const admin = kafka.admin()
let made = 0
// What is older than a topic's retention, a week, may go at any moment.
const begun = Date.now() - 3600 * 1000
const fresh = (stem) => `${stem}-${process.pid}-${made++}`

async function topicOf(stem, numPartitions = 1, configEntries = []) {
  const topic = fresh(stem)
  const isNew = await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }], waitForLeaders: true })
  assert.equal(isNew, true, `${topic} was there already`)
  return topic
}

async function withProducer(options, use) {
  const producer = kafka.producer({ allowAutoTopicCreation: false, ...options })
  await producer.connect()
  try {
    return await use(producer)
  } finally {
    await producer.disconnect()
  }
}

// All records of a partition from `offset`, as plain objects.
async function read(topic, partition = 0, offset = 0) {
  const cluster = new Cluster({
    logger: createLogger(quiet),
    socketFactory: socketFactory(),
    brokers: [address],
    clientId: 'reader',
    connectionTimeout: 5000,
    allowAutoTopicCreation: false,
    isolationLevel: 0,
    metadataMaxAge: 300000,
  })
  await cluster.connect()
  await cluster.addTargetTopic(topic)
  const nodeId = Object.keys(cluster.findLeaderForPartitions(topic, [partition]))[0]
  const broker = await cluster.findBroker({ nodeId })
  const rows = []
  for (let end = offset + 1, next = offset; next < end; ) {
    const answer = await broker.fetch({
      maxWaitTime: 100,
      minBytes: 1,
      maxBytes: 1 << 20,
      isolationLevel: 0,
      topics: [{ topic, partitions: [{ partition, fetchOffset: next, maxBytes: 1 << 18, currentLeaderEpoch: -1 }] }],
    })
    const told = answer.responses[0].partitions[0]
    end = Number(told.highWatermark)
    // A fetch into a batch brings all of it.
    const news = told.messages.filter((message) => Number(message.offset) >= next)
    assert.ok(news.length > 0 || next >= end, `nothing at ${next}, though the end is ${end}`)
    rows.push(...news)
    if (news.length > 0) next = Number(news[news.length - 1].offset) + 1
  }
  await cluster.disconnect()
  return rows.map(({ offset: at, key, value, headers, timestamp }) => ({
    offset: Number(at),
    key: key && key.toString(),
    value: value && value.toString(),
    headers: Object.fromEntries(Object.entries(headers || {}).map(([name, text]) => [name, text.toString()])),
    timestamp: Number(timestamp),
  }))
}

const refused = (type, what) =>
  assert.rejects(what, (error) => {
    const inner = error.errors?.[0] ?? error.cause ?? error
    assert.ok(inner instanceof KafkaJSProtocolError, `${inner}`)
    assert.equal(inner.type, type)
    return true
  })

// --- admin ---------------------------------------------------------------------------------------------------

const cases = {
  async topics_are_made_listed_described_and_deleted() {
    const topic = await topicOf('js-topic', 3)
    assert.ok((await admin.listTopics()).includes(topic))
    const { brokers, controller } = await admin.describeCluster()
    assert.equal(brokers.length, 1)
    assert.equal(controller, brokers[0].nodeId)
    assert.equal(`${brokers[0].host}:${brokers[0].port}`, address)
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const numbers = topics[0].partitions.map((each) => [each.partitionId, each.leader, each.replicas.join()])
    assert.deepEqual(numbers.sort(), [0, 1, 2].map((id) => [id, controller, String(controller)]))
    assert.equal(await admin.createTopics({ topics: [{ topic }] }), false, 'the same name was made again')
    await admin.deleteTopics({ topics: [topic] })
    assert.ok(!(await admin.listTopics()).includes(topic))
    await refused('UNKNOWN_TOPIC_OR_PARTITION', admin.deleteTopics({ topics: [topic] }))
  },

  async partitions_are_added() {
    const topic = await topicOf('js-parts', 1)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    assert.equal(topics[0].partitions.length, 3)
    await refused('INVALID_PARTITIONS', admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
  },

  async settings_are_given_shown_and_changed() {
    const topic = await topicOf('js-set', 1, [{ name: 'retention.ms', value: '3600000' }])
    const shown = async () => {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }]
      const told = await admin.describeConfigs({ resources })
      assert.deepEqual(told.resources[0].configEntries.map((each) => each.configName), ['retention.ms'])
      return told.resources[0].configEntries[0].configValue
    }
    assert.equal(await shown(), '3600000')
    const change = (name, value) =>
      admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }] })
    await change('retention.ms', '60000')
    assert.equal(await shown(), '60000')
    await refused('INVALID_CONFIG', change('no.such.setting', '1'))
  },

  async records_are_deleted_up_to_an_offset() {
    const topic = await topicOf('js-delete')
    const messages = Array.from({ length: 100 }, (_, i) => ({ value: `${i}` }))
    await withProducer({}, (producer) => producer.send({ topic, messages }))
    assert.equal((await admin.fetchTopicOffsets(topic))[0].high, '100') // the client has to know the leader by now
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '40' }] })
    const [{ low, high }] = await admin.fetchTopicOffsets(topic)
    assert.deepEqual([low, high], ['40', '100'])
    assert.deepEqual((await read(topic, 0, 40)).map((row) => row.value), messages.slice(40).map((each) => each.value))
    await refused('OFFSET_OUT_OF_RANGE', read(topic, 0, 39))
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '-1' }] })
    assert.equal((await admin.fetchTopicOffsets(topic))[0].low, '100')
    await assert.rejects(admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '101' }] }))
  },

  // --- records -----------------------------------------------------------------------------------------------

  async every_acks_plain_and_gzip() {
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
      const topic = await topicOf('js-acks')
      const wanted = []
      for (const acks of [-1, 1, 0]) {
        const first = wanted.length
        const messages = Array.from({ length: 200 }, (_, i) => ({
          key: `k${first + i}`,
          value: `${topic} ${first + i} `.repeat(i % 20),
          headers: { at: `${i}`, empty: '' },
          timestamp: String(begun + first + i),
        }))
        const told = await withProducer({}, (producer) => producer.send({ topic, acks, compression, messages }))
        if (acks !== 0) assert.deepEqual(told.map((each) => [each.errorCode, each.baseOffset]), [[0, String(first)]])
        messages.forEach((each, i) => wanted.push({ offset: first + i, ...each, timestamp: Number(each.timestamp) }))
        if (acks === 0) await untilEnd(topic, wanted.length)
      }
      assert.deepEqual(await read(topic), wanted)
      assert.deepEqual(await read(topic, 0, 333), wanted.slice(333))
    }
  },

  async idempotent_sends_land_in_order() {
    const topic = await topicOf('js-idempotent', 3)
    await withProducer({ idempotent: true, maxInFlightRequests: 1 }, async (producer) => {
      for (let i = 0; i < 30; ++i) {
        const messages = Array.from({ length: 30 }, (_, j) => ({ partition: j % 3, value: `${i}:${j}` }))
        const told = await producer.send({ topic, messages })
        assert.deepEqual(told.map((each) => each.baseOffset), [0, 1, 2].map(() => String(10 * i)))
      }
    })
    for (const partition of [0, 1, 2]) {
      const wanted = []
      for (let i = 0; i < 30; ++i) for (let j = partition; j < 30; j += 3) wanted.push(`${i}:${j}`)
      assert.deepEqual((await read(topic, partition)).map((row) => row.value), wanted)
    }
  },

  async several_topics_in_one_request() {
    const topics = await Promise.all([topicOf('js-batch', 2), topicOf('js-batch', 2)])
    const topicMessages = topics.map((topic) => ({
      topic,
      messages: [0, 1].map((partition) => ({ partition, key: null, value: `${topic}/${partition}` })),
    }))
    await withProducer({}, (producer) => producer.sendBatch({ topicMessages }))
    for (const topic of topics) {
      for (const partition of [0, 1]) {
        const [row, ...more] = await read(topic, partition)
        assert.deepEqual([row.offset, row.key, row.value, more.length], [0, null, `${topic}/${partition}`, 0])
      }
    }
  },

  async times_and_ends_are_found() {
    const topic = await topicOf('js-time')
    const messages = Array.from({ length: 100 }, (_, i) => ({ value: `${i}`, timestamp: String(begun + 10 * i) }))
    await withProducer({}, (producer) => producer.send({ topic, messages }))
    assert.deepEqual(await admin.fetchTopicOffsets(topic), [{ partition: 0, offset: '100', high: '100', low: '0' }])
    for (const [moment, offset] of [[0, '0'], [begun + 1, '1'], [begun + 500, '50'], [begun + 990, '99']]) {
      const told = await admin.fetchTopicOffsetsByTimestamp(topic, moment)
      assert.deepEqual(told, [{ partition: 0, offset }], `at ${moment}`)
    }
    // Where no record is so young, the client gives the end.
    assert.deepEqual(await admin.fetchTopicOffsetsByTimestamp(topic, begun + 1000), [{ partition: 0, offset: '100' }])
  },

  async an_unknown_topic_is_made_by_writing_to_it() {
    const topic = fresh('js-auto')
    await withProducer({ allowAutoTopicCreation: true }, (producer) =>
      producer.send({ topic, messages: [{ key: 'k', value: 'v' }] }))
    const ends = await admin.fetchTopicOffsets(topic)
    assert.equal(ends.reduce((sum, each) => sum + Number(each.high), 0), 1)
    const partition = ends.find((each) => each.high === '1').partition
    assert.equal((await read(topic, partition))[0].value, 'v')
  },
}

async function untilEnd(topic, end) {
  for (let tries = 0; tries < 200; ++tries) {
    if (Number((await admin.fetchTopicOffsets(topic))[0].high) >= end) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`what nobody confirms did not arrive in ${topic}`)
}

async function main() {
  let failed = 0
  await admin.connect()
  for (const [name, run] of Object.entries(cases)) {
    if (pattern && !name.match(pattern)) continue
    const begun = Date.now()
    try {
      await run()
      console.log(`ok      ${name} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
    } catch (error) {
      ++failed
      console.log(`FAILED  ${name}: ${error.stack}`)
    }
  }
  await admin.disconnect()
  process.exit(failed ? 1 : 0)
}

main().catch((error) => {
  console.log(`FAILED  ${error.stack}`)
  process.exit(1)
})
