"""Confluent's own client and serializers, which nobody here wrote: what they write we read, and what we write they read.

Usage: python confluent.py consume avro|json BROKERS REGISTRY TOPIC COUNT
       python confluent.py produce avro|json BROKERS REGISTRY TOPIC SCHEMA_FILE

`consume` prints COUNT committed records from the beginning, a line of JSON each: {"key": text, "value": document, "schema_id": id}.
`produce` reads such lines (key and value) from the standard input, and registers the schema.

What has no form in JSON is written, and read, as {"$decimal": "1.50"}, {"$uuid": …}, {"$bytes": base64}, {"$date": …}, {"$time": …} and
{"$timestamp": …} in ISO 8601.
"""

import base64
import datetime
import decimal
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

LIMIT = 60


# by what each is written as: its type, and both ways. A timestamp is a date too, so it comes first.
FORMS = {
    "$timestamp": (datetime.datetime, lambda value: value.isoformat(), datetime.datetime.fromisoformat),
    "$date": (datetime.date, lambda value: value.isoformat(), datetime.date.fromisoformat),
    "$time": (datetime.time, lambda value: value.isoformat(), datetime.time.fromisoformat),
    "$decimal": (decimal.Decimal, str, decimal.Decimal),
    "$uuid": (uuid.UUID, str, uuid.UUID),
    "$bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
}


def shown(value):
    for name, (kind, show, _) in FORMS.items():
        if isinstance(value, kind):
            return {name: show(value)}
    raise TypeError(f"{type(value)} has no form in JSON here")


def meant(members):
    if len(members) == 1:
        name, text = next(iter(members.items()))
        if name in FORMS:
            return FORMS[name][2](text)
    return members


def consume(kind, brokers, registry, topic, count):
    client = SchemaRegistryClient({"url": registry})
    # either takes the schema from the registry, as nobody gives one
    read = AvroDeserializer(client) if kind == "avro" else JSONDeserializer(None, schema_registry_client=client)
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": f"confluent-{uuid.uuid4()}",
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
    })
    consumer.subscribe([topic])
    end = datetime.datetime.now() + datetime.timedelta(seconds=LIMIT)
    left = int(count)
    while left > 0:
        if datetime.datetime.now() > end:
            sys.exit(f"{left} records did not come within {LIMIT} s")
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error():
            sys.exit(f"{message.error()}")
        raw = message.value()
        value = read(raw, SerializationContext(topic, MessageField.VALUE, message.headers()))
        key = message.key().decode() if message.key() is not None else None
        schema_id = int.from_bytes(raw[1:5], "big") if raw is not None else None
        print(json.dumps({"key": key, "value": value, "schema_id": schema_id}, default=shown), flush=True)
        left -= 1
    consumer.close()


def produce(kind, brokers, registry, topic, schema_file):
    client = SchemaRegistryClient({"url": registry})
    with open(schema_file, encoding="utf-8") as file:
        schema = file.read()
    write = AvroSerializer(client, schema) if kind == "avro" else JSONSerializer(schema, client)
    failed = []
    producer = Producer({"bootstrap.servers": brokers})
    for line in sys.stdin:
        record = json.loads(line, object_hook=meant)
        value = write(record["value"], SerializationContext(topic, MessageField.VALUE))
        producer.produce(topic, key=record.get("key"), value=value, on_delivery=lambda error, _: error and failed.append(error))
        producer.poll(0)
    left = producer.flush(LIMIT)
    if failed or left:
        sys.exit(f"{left} records were not delivered: {failed[:3]}")


{"consume": consume, "produce": produce}[sys.argv[1]](*sys.argv[2:])
