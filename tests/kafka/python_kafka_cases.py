#!/usr/bin/python3
"""python3-kafka, which shares no line with librdkafka: topics, settings, every codec, offsets and times."""

import time

import broker
import kit
from broker import BEGUN, CODECS, fresh
from kit import expect

try:
    from kafka import KafkaConsumer, KafkaProducer, TopicPartition, errors
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
    from kafka.structs import OffsetAndTimestamp
except ImportError:
    kit.skip("no python3-kafka")

WAIT = kit.PATIENCE


def admin(address):
    return KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=20000)


def made(address, stem, partitions=1, **settings):
    """A new topic's name."""
    name = fresh(stem)
    client = admin(address)
    client.create_topics([NewTopic(name, partitions, 1, topic_configs=settings)], timeout_ms=10000)
    client.close()
    return name


def reader(address, topic, partition=0, **settings):
    """A consumer of one partition, without a group, and the partition."""
    home = TopicPartition(topic, partition)
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=None, enable_auto_commit=False,
                             auto_offset_reset="none", **settings)
    consumer.assign([home])
    return consumer, home


def read(consumer, count):
    """The next `count` records, and that no more come than that."""
    got, deadline = [], kit.Deadline()
    while len(got) < count and not deadline.passed():
        for records in consumer.poll(500).values():
            got += records
    expect(len(got) >= count, f"{len(got)} of {count} records came")
    expect(len(got) == count, f"{len(got)} records came, not {count}")
    return got


def read_all(address, topic, partition=0):
    consumer, home = reader(address, topic, partition)
    consumer.seek_to_beginning(home)
    first, end = consumer.beginning_offsets([home])[home], consumer.end_offsets([home])[home]
    got = read(consumer, end - first)
    consumer.close()
    return got


def refused(kind, what, call, *args, **named):
    try:
        answer = call(*args, **named)
    except kind:
        return
    raise kit.Failure(f"{what} was not refused with {kind.__name__}: {answer}")


# --- topics and settings ------------------------------------------------------------------------------------


def topics_are_made_described_and_deleted(address):
    client, name = admin(address), made(address, "pk-topic", 3)
    expect(name in client.list_topics(), "the topic is not listed")
    told = client.describe_topics([name])[0]
    expect(told["error_code"] == 0 and not told["is_internal"], f"{told}")
    rows = sorted(told["partitions"], key=lambda row: row["partition"])
    node = client.describe_cluster()["brokers"][0]["node_id"]
    expect([(row["partition"], row["leader"], row["replicas"], row["isr"]) for row in rows] ==
           [(number, node, [node], [node]) for number in range(3)], f"{rows}")
    refused(errors.TopicAlreadyExistsError, "the same name", client.create_topics, [NewTopic(name, 1, 1)])
    client.delete_topics([name])
    kit.wait_until(lambda: name not in client.list_topics(), "the topic to be gone")
    refused(errors.UnknownTopicOrPartitionError, "an unknown name", client.delete_topics, [name])
    client.close()


def names_and_numbers_that_cannot_be_are_refused(address):
    client = admin(address)
    for name in ("", ".", "..", "a b", "a/b", "x" * 250):
        refused(errors.InvalidTopicError, f"the name {name!r:.20}", client.create_topics, [NewTopic(name, 1, 1)])
    refused(errors.InvalidPartitionsError, "no partitions", client.create_topics, [NewTopic(fresh("pk"), 0, 1)])
    refused(errors.InvalidReplicationFactorError, "9 replicas", client.create_topics, [NewTopic(fresh("pk"), 1, 9)])
    refused(errors.InvalidConfigurationError, "an unknown setting", client.create_topics,
            [NewTopic(fresh("pk"), 1, 1, topic_configs={"no.such.setting": "1"})])
    only_tried = fresh("pk-tried")
    client.create_topics([NewTopic(only_tried, 1, 1)], validate_only=True)
    expect(only_tried not in client.list_topics(), "validate_only made it")
    client.close()


def partitions_are_added_and_never_taken(address):
    client, name = admin(address), made(address, "pk-parts", 2)
    client.create_partitions({name: NewPartitions(5)})
    kit.wait_until(lambda: len(client.describe_topics([name])[0]["partitions"]) == 5, "five partitions")
    refused(errors.InvalidPartitionsError, "fewer", client.create_partitions, {name: NewPartitions(3)})
    client.close()
    producer = KafkaProducer(bootstrap_servers=address)
    expect(producer.send(name, b"in the new one", partition=4).get(WAIT).offset == 0, "another offset")
    producer.close()
    expect([each.value for each in read_all(address, name, 4)] == [b"in the new one"], "not there")


def settings_of(client, name):
    row = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])[0].resources[0]
    expect(row[0] == 0, f"describing {name}: {row[:2]}")
    return {each[0]: each[1] for each in row[4]}


def settings_are_given_shown_and_changed(address):
    client = admin(address)
    name = made(address, "pk-set", **{"retention.ms": "3600000", "segment.bytes": "1048576"})
    told = settings_of(client, name)
    expect((told["retention.ms"], told["segment.bytes"]) == ("3600000", "1048576"), f"{told}")
    expect(told["cleanup.policy"] == "delete", f"the default is not shown: {told}")
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "7200000"})])
    # AlterConfigs replaces all that was given.
    kit.wait_until(lambda: settings_of(client, name)["retention.ms"] == "7200000", "the new value")
    expect(settings_of(client, name)["segment.bytes"] != "1048576", "what was not named again stayed")
    answer = client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"no.such.setting": "1"})])
    expect(answer.resources[0][0] == errors.InvalidConfigurationError.errno, f"unknown setting: {answer}")
    client.close()


# --- records ------------------------------------------------------------------------------------------------


def every_codec_and_every_acks_with_exact_offsets(address):
    for codec in CODECS:
        topic, wanted = made(address, f"pk-{codec}"), []
        for acks in (1, "all", 0):
            producer = KafkaProducer(bootstrap_servers=address, acks=acks, linger_ms=20,
                                     compression_type=None if codec == "none" else codec)
            futures = []
            for i in range(300):
                row = (f"k{i}".encode(), f"{codec} {acks} {i} ".encode() * (i % 30), BEGUN + len(wanted))
                futures.append(producer.send(topic, key=row[0], value=row[1], timestamp_ms=row[2]))
                wanted.append((len(wanted), *row))
            producer.flush(WAIT)
            producer.close(WAIT)
            if acks:
                told = [future.get(WAIT).offset for future in futures]
                broker.expect_same(told, list(range(len(wanted) - 300, len(wanted))), f"{codec} {acks}: offsets told")
            else:
                await_end(address, topic, len(wanted))
        got = [(each.offset, each.key, each.value, each.timestamp) for each in read_all(address, topic)]
        broker.expect_same(got, wanted, codec)


def await_end(address, topic, end):
    consumer, home = reader(address, topic)
    kit.wait_until(lambda: consumer.end_offsets([home])[home] >= end, "what nobody confirms to arrive", step=0.1)
    consumer.close()


def headers_nulls_and_empty_values_survive(address):
    topic = made(address, "pk-null")
    producer = KafkaProducer(bootstrap_servers=address)
    sent = [(b"k", None, [("a", b"1"), ("a", b""), ("b", bytes(range(256)))]), (None, b"v", []), (b"", b"", []),
            (None, b"\0" * 100_000, [])]
    for key, value, headers in sent:
        producer.send(topic, key=key, value=value, headers=headers).get(WAIT)
    producer.close()
    got = [(each.key, each.value, each.headers) for each in read_all(address, topic)]
    broker.expect_same(got, sent, "records")


def reading_starts_wherever_it_is_told(address):
    topic = made(address, "pk-seek")
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=10)
    for i in range(1000):
        producer.send(topic, b"%d" % i)
    producer.flush(WAIT)
    consumer, home = reader(address, topic, max_poll_records=5000)
    for start in (0, 1, 499, 999, 250):
        consumer.seek(home, start)
        got = read(consumer, 1000 - start)
        broker.expect_same([(each.offset, int(each.value)) for each in got], [(i, i) for i in range(start, 1000)],
                           f"from {start}")
        expect(consumer.position(home) == 1000, "another position at the end")
    consumer.seek_to_end(home)
    expect(not consumer.poll(300), "something beyond the end")
    producer.send(topic, b"1000").get(WAIT)
    expect([each.offset for each in read(consumer, 1)] == [1000], "the end is elsewhere")
    consumer.seek(home, 5000)
    refused(errors.OffsetOutOfRangeError, "an offset beyond the end", poll_long, consumer)
    consumer.close()
    producer.close()


def poll_long(consumer):
    deadline = kit.Deadline(5)
    while not deadline.passed():
        consumer.poll(200)


def times_find_offsets(address):
    topic = made(address, "pk-time")
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=50)
    for i in range(200):  # in batches, so that the record has to be found within one
        producer.send(topic, b"%d" % i, timestamp_ms=BEGUN + 10 * i)
    producer.flush(WAIT)
    producer.close()
    consumer, home = reader(address, topic)
    for moment, offset in ((BEGUN, 0), (BEGUN + 1, 1), (BEGUN + 995, 100), (BEGUN + 1990, 199), (0, 0)):
        told = consumer.offsets_for_times({home: moment})[home]
        expect(told == OffsetAndTimestamp(offset, BEGUN + 10 * offset), f"at {moment}: {told}")
    expect(consumer.offsets_for_times({home: BEGUN + 1991})[home] is None, "an offset for a time after the last")
    expect((consumer.beginning_offsets([home])[home], consumer.end_offsets([home])[home]) == (0, 200), "another range")
    consumer.close()


def the_broker_sets_the_time_where_it_is_told_to(address):
    topic = made(address, "pk-append", **{"message.timestamp.type": "LogAppendTime"})
    producer = KafkaProducer(bootstrap_servers=address)
    before = int(time.time() * 1000)
    told = producer.send(topic, b"x", timestamp_ms=1).get(WAIT)
    after = int(time.time() * 1000)
    producer.close()
    got = read_all(address, topic)[0]
    expect(before - 1 <= got.timestamp <= after + 1 and got.timestamp_type == 1, f"{got}")
    expect(told.timestamp == got.timestamp, f"the answer said {told.timestamp}, the record {got.timestamp}")


def a_record_larger_than_the_limit_is_refused(address):
    topic = made(address, "pk-large", **{"max.message.bytes": "20000"})
    producer = KafkaProducer(bootstrap_servers=address, retries=0)
    refused(errors.MessageSizeTooLargeError, "20 KB", producer.send(topic, b"x" * 20000).get, WAIT)
    expect(producer.send(topic, b"x" * 15000).get(WAIT).offset == 0, "15 KB are not the first")
    producer.close()


def a_batch_larger_than_the_reader_wants_still_comes(address):
    topic = made(address, "pk-progress")
    producer = KafkaProducer(bootstrap_servers=address)
    for size in (900_000, 10, 500_000):
        producer.send(topic, b"y" * size).get(WAIT)
    producer.close()
    consumer, home = reader(address, topic, fetch_max_bytes=1000, max_partition_fetch_bytes=1000)
    consumer.seek(home, 0)
    expect([len(each.value) for each in read(consumer, 3)] == [900_000, 10, 500_000], "other sizes")
    consumer.close()


CASES = (topics_are_made_described_and_deleted, names_and_numbers_that_cannot_be_are_refused,
         partitions_are_added_and_never_taken, settings_are_given_shown_and_changed,
         every_codec_and_every_acks_with_exact_offsets, headers_nulls_and_empty_values_survive,
         reading_starts_wherever_it_is_told, times_find_offsets, the_broker_sets_the_time_where_it_is_told_to,
         a_record_larger_than_the_limit_is_refused, a_batch_larger_than_the_reader_wants_still_comes)

if __name__ == "__main__":
    broker.main(__doc__, CASES)
