"""moto's server, one request to SQS at a time: its queues are not safe for threads, and give a message to two who ask together.

Usage: python moto_server.py PORT
"""

import sys
import threading
import time

from moto.server import main
from moto.sqs.models import SQSBackend

LOCK = threading.RLock()


def alone(inner):
    def call(*arguments, **named):
        with LOCK:
            return inner(*arguments, **named)

    return call


def patiently(inner):
    """A long poll that does not hold the lock while it waits."""

    def call(self, queue_name, count, wait_seconds_timeout, *arguments, **named):
        end = time.monotonic() + (wait_seconds_timeout or 0)
        while True:
            found = inner(self, queue_name, count, 0, *arguments, **named)
            if found or time.monotonic() >= end:
                return found
            time.sleep(0.02)

    return call


for name in ["create_queue", "send_message", "send_message_batch", "delete_message", "delete_message_batch", "change_message_visibility",
             "change_message_visibility_batch", "get_queue_attributes", "receive_message"]:
    setattr(SQSBackend, name, alone(getattr(SQSBackend, name)))
SQSBackend.receive_message = patiently(SQSBackend.receive_message)
# For each message it gives, moto counts all that there are, to see whether this one is too old: none is, here.
SQSBackend.is_message_valid_based_on_retention_period = lambda *_: True

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
