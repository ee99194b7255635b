"""Record batches as the broker keeps them, through the codecs of python3-kafka: what clients do not show.

librdkafka drops a codec without a word when a broker does not say what it wants to hear; only the stored batch tells.
"""

from kafka.conn import BrokerConnection
from kafka.protocol.fetch import FetchRequest
from kafka.record import MemoryRecords

import kit
from kit import expect

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")  # by their number in a batch's attributes
FETCH_BYTES = 1 << 20


class Connection:
    """One connection, one request at a time."""

    def __init__(self, address, version=(1, 0, 0)):
        host, _, port = address.rpartition(":")
        self.inner = BrokerConnection(host, int(port), 2, client_id="raw", api_version=version,
                                      request_timeout_ms=int(kit.PATIENCE * 1000))
        expect(self.inner.connect_blocking(kit.PATIENCE), f"no connection to {address}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.inner.close()

    def ask(self, request):
        future = self.inner.send(request, blocking=True)
        deadline = kit.Deadline()
        while not future.is_done:
            expect(not deadline.passed(), f"no answer to {request}")
            for response, waiting in self.inner.recv():
                waiting.success(response)
        expect(future.succeeded(), f"{request}: {future.exception}")
        return future.value


class Batch:
    """The header of one batch; its fields by their place in the 61 bytes."""

    def __init__(self, inner):
        fields = inner._header_data  # pylint: disable=protected-access
        self.base_offset, self.last_offset = fields[0], fields[0] + fields[6]
        self.codec = CODECS[fields[5] & 7]
        self.log_append_time = bool(fields[5] & 8)
        self.producer_id, self.base_sequence, self.count = fields[9], fields[11], fields[12]
        self.whole = inner.validate_crc()


def fetch(connection, topic, partition, offset, version=4):
    """(error code, high watermark, the bytes of whole and cut batches)."""
    partitions = [(topic, [(partition, offset, FETCH_BYTES)])]
    answer = connection.ask(FetchRequest[version](-1, 100, 1, 8 * FETCH_BYTES, 0, partitions))
    row = answer.topics[0][1][0]
    return row[1], row[2], row[-1] or b""


def batches(address, topic, partition=0):
    """All of a partition, from its start."""
    found, offset = [], 0
    with Connection(address) as connection:
        while True:
            error, end, data = fetch(connection, topic, partition, offset)
            expect(error == 0, f"fetch {topic}/{partition} from {offset}: error {error}")
            records = MemoryRecords(data)
            expect(offset >= end or records.has_next(), f"nothing at {offset}, though the end is {end}")
            while records.has_next():
                found.append(Batch(records.next_batch()))
                offset = found[-1].last_offset + 1
            if offset >= end:
                return found
