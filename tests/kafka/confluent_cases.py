#!/usr/bin/python3
"""python3-confluent-kafka, which is librdkafka as most people in Python meet it: without groups, by assign()."""

import broker
import kit
from broker import BEGUN, CODECS, fresh
from kit import expect

try:
    from confluent_kafka import (OFFSET_BEGINNING, OFFSET_END, TIMESTAMP_CREATE_TIME, Consumer, KafkaError,
                                 KafkaException, Producer, TopicPartition)
    from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

    import raw_fetch
except ImportError:
    kit.skip("no python3-confluent-kafka, or no python3-kafka")

WAIT = kit.PATIENCE
TAIL = -2000  # less n: the last n messages, as librdkafka's RD_KAFKA_OFFSET_TAIL() has it


def admin(address):
    return AdminClient({"bootstrap.servers": address})


def finish(futures):
    """The answers by name; a refusal is thrown by the client."""
    return {name: future.result(WAIT) for name, future in futures.items()}


def made(address, stem, partitions=1, **settings):
    name = fresh(stem)
    client = admin(address)  # named, as it must outlive its answers
    finish(client.create_topics([NewTopic(name, partitions, 1, config=settings)], operation_timeout=10))
    return name


def refused(code, what, futures):
    try:
        finish(futures)
    except KafkaException as error:
        expect(error.args[0].code() == code, f"{what}: {error.args[0]!r}, not {code}")
        return
    raise kit.Failure(f"{what} was not refused")


class Writer:
    """A producer that keeps what was confirmed: [(partition, offset, value)] in the order of confirmation."""

    def __init__(self, address, **settings):
        named = {name.replace("_", "."): value for name, value in settings.items()}
        self.producer = Producer({"bootstrap.servers": address, "linger.ms": 5, **named})
        self.confirmed, self.errors = [], []

    def told(self, error, message):
        if error:
            self.errors.append(error)
        else:
            self.confirmed.append((message.partition(), message.offset(), message.value()))

    def send(self, topic, value, **where):
        while True:
            try:
                self.producer.produce(topic, value, on_delivery=self.told, **where)
                return
            except BufferError:
                self.producer.poll(0.1)

    def finish(self):
        left = self.producer.flush(WAIT)
        expect(left == 0, f"{left} messages were never answered")
        expect(not self.errors, f"{len(self.errors)} messages failed, first: {self.errors[:1]}")
        return self.confirmed


def consumer(address, **settings):
    named = {name.replace("_", "."): value for name, value in settings.items()}
    # The client wants a group's name even where it joins none.
    return Consumer({"bootstrap.servers": address, "group.id": "unused", "enable.auto.commit": False,
                     "enable.partition.eof": True, "auto.offset.reset": "error", **named})


def read(address, topic, partition=0, offset=OFFSET_BEGINNING, **settings):
    """All messages from there to the end."""
    reader, got, deadline = consumer(address, **settings), [], kit.Deadline()
    reader.assign([TopicPartition(topic, partition, offset)])
    while True:
        expect(not deadline.passed(), f"no end of {topic}/{partition} after {len(got)} messages")
        for message in reader.consume(10000, 0.2):
            if not message.error():
                got.append(message)
            elif message.error().code() == KafkaError._PARTITION_EOF:  # pylint: disable=protected-access
                reader.close()
                return got
            else:
                raise KafkaException(message.error())


def rows(messages):
    return [(each.partition(), each.offset(), each.value()) for each in messages]


# --- topics and settings ------------------------------------------------------------------------------------


def topics_are_made_listed_and_deleted(address):
    client, name = admin(address), made(address, "ck-topic", 3)
    # By a client that ends here: one that has asked for a topic by name asks again when it is gone, which makes it anew.
    told = admin(address).list_topics(name, WAIT).topics[name]
    expect(told.error is None and sorted(told.partitions) == [0, 1, 2], f"{told.partitions}")
    node = list(client.list_topics(timeout=WAIT).brokers)[0]
    expect(all(each.leader == node and each.replicas == [node] for each in told.partitions.values()), "other leaders")
    refused(KafkaError.TOPIC_ALREADY_EXISTS, "the same name", client.create_topics([NewTopic(name, 1, 1)]))
    refused(KafkaError.INVALID_PARTITIONS, "no partitions", client.create_topics([NewTopic(fresh("ck"), 0, 1)]))
    finish(client.delete_topics([name], operation_timeout=10))
    kit.wait_until(lambda: name not in client.list_topics(timeout=WAIT).topics, "the topic to be gone", step=0.1)
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, "an unknown name", client.delete_topics([name]))


def a_deleted_topic_begins_anew_when_made_again(address):
    client, name = admin(address), made(address, "ck-again")
    writer = Writer(address)
    writer.send(name, b"before")
    writer.finish()
    del writer  # it would ask for its topic, and so make it anew
    finish(client.delete_topics([name], operation_timeout=10))
    kit.wait_until(lambda: name not in client.list_topics(timeout=WAIT).topics, "the topic to be gone", step=0.1)
    finish(client.create_topics([NewTopic(name, 1, 1)], operation_timeout=10))
    writer = Writer(address)
    writer.send(name, b"after", partition=0)
    writer.finish()
    expect(rows(read(address, name)) == [(0, 0, b"after")], "something of before is left")


def partitions_are_added(address):
    client, name = admin(address), made(address, "ck-parts", 1)
    finish(client.create_partitions([NewPartitions(name, 4)]))
    kit.wait_until(lambda: len(client.list_topics(name, WAIT).topics[name].partitions) == 4, "four partitions", step=0.1)
    refused(KafkaError.INVALID_PARTITIONS, "fewer", client.create_partitions([NewPartitions(name, 2)]))
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, "no topic", client.create_partitions([NewPartitions(fresh("ck"), 2)]))


def settings_are_given_shown_and_changed(address):
    client = admin(address)
    name = made(address, "ck-set", **{"retention.bytes": "123456789"})
    told = next(iter(finish(client.describe_configs([ConfigResource("topic", name)])).values()))
    expect(told["retention.bytes"].value == "123456789" and not told["retention.bytes"].is_default, "not as given")
    expect(told["segment.bytes"].is_default, f"{told['segment.bytes']} is not the default")
    finish(client.alter_configs([ConfigResource("topic", name, set_config={"retention.bytes": "-1"})]))
    kit.wait_until(lambda: next(iter(finish(client.describe_configs([ConfigResource("topic", name)])).values()))
                   ["retention.bytes"].value == "-1", "the new value", step=0.1)
    refused(KafkaError.INVALID_CONFIG, "an unknown setting",
            client.alter_configs([ConfigResource("topic", name, set_config={"no.such.setting": "1"})]))
    node = list(client.list_topics(timeout=WAIT).brokers)[0]
    expect(next(iter(finish(client.describe_configs([ConfigResource("broker", str(node))])).values())),
           "the broker has no settings")


# --- messages -----------------------------------------------------------------------------------------------


def every_codec_with_and_without_numbers(address):
    for codec in CODECS:
        for numbered in (True, False):
            topic = made(address, f"ck-{codec}")
            writer = Writer(address, compression_type=codec, enable_idempotence=numbered, acks="all")
            for i in range(5000):
                writer.send(topic, f"{codec} {i} ".encode() * (1 + i % 20))
            confirmed = writer.finish()
            broker.expect_same(confirmed, rows(read(address, topic)), f"{codec}, numbered: {numbered}")
            broker.expect_same([row[1] for row in confirmed], list(range(5000)), "offsets")
            kept = raw_fetch.batches(address, topic)
            expect({each.codec for each in kept if each.count > 10} == {codec}, f"{codec} was stored as another")
            expect(all((each.producer_id >= 0) == numbered and each.whole for each in kept), "batches are not so numbered")


def order_holds_over_partitions_with_five_requests_under_way(address):
    topic = made(address, "ck-order", 4)
    writer = Writer(address, enable_idempotence=True, max_in_flight=5, batch_num_messages=50)
    for i in range(40_000):
        writer.send(topic, b"%d" % i, partition=i % 4)
    confirmed = writer.finish()
    expect(len(confirmed) == 40_000, f"{len(confirmed)} were confirmed")
    for partition in range(4):
        got = rows(read(address, topic, partition))
        broker.expect_same(got, [(partition, at, b"%d" % (4 * at + partition)) for at in range(10_000)], f"{partition}")


def reading_starts_wherever_it_is_told(address):
    topic = made(address, "ck-seek")
    writer = Writer(address, batch_num_messages=64)
    for i in range(1000):
        writer.send(topic, b"%d" % i)
    wanted = writer.finish()
    for start in (0, 1, 63, 64, 65, 999):
        broker.expect_same(rows(read(address, topic, 0, start)), wanted[start:], f"from {start}")
    expect(not read(address, topic, 0, OFFSET_END), "something beyond the end")
    broker.expect_same(rows(read(address, topic, 0, TAIL - 10)), wanted[-10:], "the last ten")
    try:
        read(address, topic, 0, 1001)
    except KafkaException as error:
        expect("out of range" in str(error).lower() or error.args[0].code() ==
               KafkaError._AUTO_OFFSET_RESET, f"{error}")  # pylint: disable=protected-access
    else:
        raise kit.Failure("an offset beyond the end was read")


def times_find_offsets(address):
    topic = made(address, "ck-time", 2)
    writer = Writer(address)
    for i in range(300):
        writer.send(topic, b"%d" % i, partition=i % 2, timestamp=BEGUN + 10 * i)
    writer.finish()
    reader = consumer(address)
    asked = ((BEGUN, 0, 0), (BEGUN, 1, 0), (BEGUN + 1001, 0, 51), (BEGUN + 1001, 1, 50), (BEGUN + 2990, 1, 149))
    for moment, partition, offset in asked:
        told = reader.offsets_for_times([TopicPartition(topic, partition, moment)], WAIT)[0]
        expect(told.error is None and told.offset == offset, f"at {moment} in {partition}: {told}")
    told = reader.offsets_for_times([TopicPartition(topic, 0, BEGUN + 5000)], WAIT)[0]
    expect(told.offset == OFFSET_END, f"after the last: {told}")
    expect(reader.get_watermark_offsets(TopicPartition(topic, 1), WAIT, cached=False) == (0, 150), "watermarks")
    reader.close()


def headers_nulls_and_times_survive(address):
    topic = made(address, "ck-null")
    sent = [(b"k", None, [("a", b"1"), ("a", None), ("b", b"")]), (None, b"v", None), (b"", b"", None)]
    producer = Producer({"bootstrap.servers": address})
    for at, (key, value, headers) in enumerate(sent):
        producer.produce(topic, value, key, headers=headers, timestamp=BEGUN + at)
    expect(producer.flush(WAIT) == 0, "not all were answered")
    got = read(address, topic)
    broker.expect_same([(each.key(), each.value(), each.headers()) for each in got], sent, "records")
    expect([each.timestamp() for each in got] == [(TIMESTAMP_CREATE_TIME, BEGUN + at) for at in range(3)],
           "other times")


def many_large_messages_come_whole(address):
    topic = made(address, "ck-large")
    writer = Writer(address, enable_idempotence=True)
    wanted = [bytes([i]) * (900_000 + i) for i in range(60)]
    for value in wanted:
        writer.send(topic, value)
    writer.finish()
    got = read(address, topic, fetch_message_max_bytes=2_000_000)
    expect([each.value() for each in got] == wanted, "54 MB came otherwise than they went")


def a_compacted_topic_wants_keys_in_every_codec(address):
    for codec in CODECS:
        topic = made(address, f"ck-keys-{codec}", **{"cleanup.policy": "compact"})
        good = Writer(address, compression_type=codec, linger_ms=200)
        for number in range(100):
            good.send(topic, b"x" * 500, key=b"%d" % number)
        good.finish()
        found = raw_fetch.batches(address, topic)
        expect(found and all(batch.codec == codec for batch in found), f"{codec}: not compressed by it")
        bad = Writer(address, compression_type=codec, linger_ms=200)
        for number in range(100):
            bad.send(topic, b"%d" % number + b"x" * 500, key=b"" if number != 70 else None)  # an empty key is one
        expect(bad.producer.flush(WAIT) == 0, f"{codec}: messages were never answered")
        # The client may send them in more than one batch: those without the bad one are taken.
        codes = {error.code() for error in bad.errors}
        expect(KafkaError.INVALID_RECORD in codes and codes <= {KafkaError.INVALID_RECORD, -138},
               f"{codec}: {len(bad.errors)} refused with {codes}")
        expect(not any(value.startswith(b"70x") for _, _, value in bad.confirmed), f"{codec}: it was taken")
        kept = read(address, topic)
        expect(len(kept) == 100 + len(bad.confirmed) and all(each.key() is not None for each in kept),
               f"{codec}: {len(kept)} are there, {len(bad.confirmed)} of the second lot confirmed")


CASES = (topics_are_made_listed_and_deleted, a_deleted_topic_begins_anew_when_made_again, partitions_are_added,
         settings_are_given_shown_and_changed, every_codec_with_and_without_numbers,
         order_holds_over_partitions_with_five_requests_under_way, reading_starts_wherever_it_is_told,
         times_find_offsets, headers_nulls_and_times_survive, many_large_messages_come_whole,
         a_compacted_topic_wants_keys_in_every_codec)

if __name__ == "__main__":
    broker.main(__doc__, CASES)
