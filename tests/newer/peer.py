# SPDX-License-Identifier: Apache-2.0
"""One end of a channel of newer constructs in Python; the same commands and answers as project/peer.cc."""

from __future__ import annotations

import faulthandler
import sys

import newer_values as values

HUNG_AFTER_S = 120


def publish(message: str) -> None:
    with values.ENDPOINTS[message][0]() as publisher:
        print("ready", flush=True)
        for line in sys.stdin:
            publisher.send(**values.MAKE[message](int(line)))
            print("ok", flush=True)


def forward(message: str) -> None:
    """Sends a copy of the message that was built, instead of what it is built from."""
    with values.ENDPOINTS[message][0]() as publisher:
        print("ready", flush=True)
        for line in sys.stdin:
            publisher.send(values.TYPES[message](**values.MAKE[message](int(line))))
            print("ok", flush=True)


def subscribe(message: str) -> None:
    with values.ENDPOINTS[message][1]() as subscriber:
        print("ready", flush=True)
        for _ in sys.stdin:
            print(values.TEXT[message](subscriber.recv()), flush=True)


def expect(message: str) -> None:
    """Says what a subscriber should say."""
    print("ready", flush=True)
    for line in sys.stdin:
        print(values.TEXT[message](values.TYPES[message](**values.MAKE[message](int(line)))), flush=True)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    {"publish": publish, "forward": forward, "subscribe": subscribe, "expect": expect}[sys.argv[1]](sys.argv[2])
