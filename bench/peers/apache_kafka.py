#!/usr/bin/env python3
"""Apache Kafka as a peer: one node without ZooKeeper, from the jars it is published as.

  apache_kafka.py fetch JARS                  brings kafka_2.13 and what it needs into the folder JARS (Maven)
  apache_kafka.py serve JARS --data-dir DIR   runs it until it is ended

`serve` says `kafka: ADDRESS:PORT` and then `ready`, as `plimsoll serve` does, so that a test or a benchmark starts
either of them the same way. The broker is this program's child and ends with it.
"""

import argparse
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

VERSION = "3.4.1"
LOOPBACK = "127.0.0.1"
START_SECONDS = 60
POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>plimsoll</groupId><artifactId>peer</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""
# As small as one node goes. Four partitions, and no wait for a group's first members, as librdkafka's tests like it.
PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
num.partitions=4
auto.create.topics.enable=true
delete.topic.enable=true
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.segment.delete.delay.ms=1000
"""


def fetch(jars):
    if not shutil.which("mvn"):
        sys.exit("no mvn here: Apache Kafka cannot be fetched")
    with tempfile.TemporaryDirectory(prefix="plimsoll-peer-") as folder:
        pom = os.path.join(folder, "pom.xml")
        with open(pom, "w", encoding="ascii") as file:
            file.write(POM)
        done = subprocess.run(["mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies",
                               f"-DoutputDirectory={os.path.abspath(jars)}"], check=False)
    sys.exit(done.returncode)


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind((LOOPBACK, 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def java(jars, heap):
    return ["java", f"-Xmx{heap}", f"-Xms{heap}", "-XX:+UseSerialGC" if heap.endswith("m") else "-XX:+UseG1GC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", os.path.join(jars, "*")]


def ends_with_us():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serves(port):
    """Whether it knows its controller: it listens before it is admitted to its own cluster."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as wire:
            # Metadata, version 1, of no topics: size, key, version, correlation, no client id, an empty list.
            wire.sendall(struct.pack(">ihhihi", 14, 3, 1, 0, -1, 0))
            answer = wire.makefile("rb")
            size, _, brokers = struct.unpack(">iii", answer.read(12))
            rest = answer.read(size - 8)
    except (OSError, struct.error):
        return False
    # The controller comes after the brokers, and before what is an empty list of topics.
    return brokers > 0 and struct.unpack(">i", rest[-8:-4])[0] >= 0


def serve(chosen):
    os.makedirs(chosen.data_dir, exist_ok=True)
    free = free_ports(2)
    port = chosen.port or free[0]
    settings = os.path.join(chosen.data_dir, "server.properties")
    data = os.path.join(chosen.data_dir, "log")
    with open(settings, "w", encoding="ascii") as file:
        file.write(PROPERTIES.format(host=LOOPBACK, port=port, controller=free[1], data=data))
        file.writelines(line + "\n" for line in chosen.set)
    command = java(chosen.jars, chosen.heap)
    subprocess.run(command + ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t",
                              "cGxpbXNvbGwtcGVlci0wMQ", "-c", settings],
                   check=True, stdout=subprocess.DEVNULL, preexec_fn=ends_with_us)
    broker = subprocess.Popen(command + ["kafka.Kafka", settings], stdout=sys.stderr, preexec_fn=ends_with_us)
    signal.signal(signal.SIGTERM, lambda *_: broker.terminate())
    signal.signal(signal.SIGINT, lambda *_: broker.terminate())
    deadline = time.monotonic() + START_SECONDS
    while not serves(port):
        if broker.poll() is not None or time.monotonic() > deadline:
            broker.kill()
            sys.exit(f"Apache Kafka does not serve (it ended with {broker.wait()})")
        time.sleep(0.1)
    print(f"pid: {broker.pid}\nkafka: {LOOPBACK}:{port}\nready", flush=True)
    sys.exit(broker.wait())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("fetch", "serve"))
    parser.add_argument("jars")
    parser.add_argument("--data-dir", default="kafka-data")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--heap", default="512m")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one more line of its properties")
    chosen = parser.parse_args()
    if chosen.verb == "fetch":
        fetch(chosen.jars)
    serve(chosen)


if __name__ == "__main__":
    main()
