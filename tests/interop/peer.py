# SPDX-License-Identifier: Apache-2.0
"""One end of an interop test in Python; the same commands and answers as peer.cc."""

from __future__ import annotations

import faulthandler
import sys
from typing import Any

import interop
import interop_values as values

HUNG_AFTER_S = 120
ENDPOINTS: dict[str, tuple[Any, Any]] = {
    "everything": (interop.EverythingPublisher, interop.EverythingSubscriber),
    "plain": (interop.PlainPublisher, interop.PlainSubscriber),
    "choice": (interop.ChoicePublisher, interop.ChoiceSubscriber),
    "tiny": (interop.TinyPublisher, interop.TinySubscriber),
    "blob": (interop.BlobPublisher, interop.BlobSubscriber),
}


def publish(message: str) -> None:
    with ENDPOINTS[message][0]() as publisher:
        print("ready", flush=True)
        for line in sys.stdin:
            publisher.send(**values.MAKE[message](int(line)))
            print("ok", flush=True)


def subscribe(message: str) -> None:
    with ENDPOINTS[message][1]() as subscriber:
        print("ready", flush=True)
        for _ in sys.stdin:
            received = subscriber.recv()
            print(f"lost={received.lost} {values.received_text(message, received)}", flush=True)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    {"publish": publish, "subscribe": subscribe}[sys.argv[1]](sys.argv[2])
