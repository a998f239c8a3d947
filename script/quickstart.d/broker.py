# SPDX-License-Identifier: Apache-2.0
"""Starts a throw-away Kafka broker, prints its address, and ends it with this program."""
import os
import signal
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))

# pylint: disable=wrong-import-position
from lib.kafka import Broker


# Kafka takes 1 MiB per message unless told otherwise; every_type has a value that is longer.
LARGEST_MESSAGE = 8 * 1024 * 1024


def main():
    broker = Broker(settings={"message.max.bytes": LARGEST_MESSAGE}).start()
    print(broker.url, flush=True)
    while broker.is_running():
        signal.sigtimedwait([signal.SIGCHLD], 1)
    print(f"the broker ended on its own\n{broker.log_tail()}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # SIGTERM too, by lib.process
        sys.exit(0)
