# SPDX-License-Identifier: Apache-2.0
"""One end of an interop test of jobs in Python; the same commands and answers as jobs.cc."""

from __future__ import annotations

import faulthandler
import sys
from typing import Any

import interop
import interop_values as values

HUNG_AFTER_S = 120
ENDPOINTS: dict[str, tuple[Any, Any]] = {
    "everything": (interop.EverythingJobsPusher, interop.EverythingJobsPuller),
    "plain": (interop.PlainJobsPusher, interop.PlainJobsPuller),
    "choice": (interop.ChoiceJobsPusher, interop.ChoiceJobsPuller),
    "tiny": (interop.TinyJobsPusher, interop.TinyJobsPuller),
    "blob": (interop.BlobJobsPusher, interop.BlobJobsPuller),
}


def push(message: str) -> None:
    with ENDPOINTS[message][0]() as pusher:
        print("ready", flush=True)
        for line in sys.stdin:
            pusher.push(**values.MAKE[message](int(line)))
            print("ok", flush=True)


def pull(message: str) -> None:
    with ENDPOINTS[message][1]() as puller:
        print("ready", flush=True)
        job = None
        for line in sys.stdin:
            if line == "take\n":
                job = puller.recv()
                print(f"attempt={job.attempt} {values.received_text(message, job)}", flush=True)
            else:
                {"done\n": job.done, "give back\n": job.give_back}[line]()
                print("ok", flush=True)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    {"push": push, "pull": pull}[sys.argv[1]](sys.argv[2])
