# SPDX-License-Identifier: Apache-2.0
"""One end of an interop test of calls in Python; the same commands and answers as calls.cc."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Callable
from typing import Any

import interop
import interop_values as values
import shmcomm

HUNG_AFTER_S = 120
ENDPOINTS: dict[str, tuple[Any, Any]] = {
    "everything": (interop.EverythingCallsRequester, interop.EverythingCallsReplier),
    "plain": (interop.PlainCallsRequester, interop.PlainCallsReplier),
    "choice": (interop.ChoiceCallsRequester, interop.ChoiceCallsReplier),
    "tiny": (interop.TinyCallsRequester, interop.TinyCallsReplier),
    "blob": (interop.BlobCallsRequester, interop.BlobCallsReplier),
}


def error_text(error: shmcomm.SHMError) -> str:
    """As the C++ end calls it."""
    if isinstance(error, shmcomm.SHMReplyError):
        return f"replied {error.code}: {error.message}"
    if not isinstance(error, shmcomm.SHMPeerDiedError | shmcomm.SHMTimeoutError):
        raise error
    code = "UNAVAILABLE" if isinstance(error, shmcomm.SHMPeerDiedError) else "DEADLINE_EXCEEDED"
    return f"{code}, {'maybe' if error.maybe_executed else 'not'} executed"


def request(message: str) -> None:
    calls = []

    def start(number: str) -> str:
        calls.append(requester.start(**values.MAKE[message](int(number))))
        return "started"

    def result(which: str) -> str:
        return values.received_text(values.REPLIES[message], calls[int(which)].result())

    with ENDPOINTS[message][0]() as requester:
        serve({"start": start, "result": result})


def reply(message: str) -> None:
    requests = []

    def take() -> str:
        requests.append(replier.recv())
        return values.received_text(message, requests[-1])

    def answer(which: str, number: str) -> str:
        requests[int(which)].reply(**values.MAKE[values.REPLIES[message]](int(number)))
        return "ok"

    def fail(which: str, text: str) -> str:
        requests[int(which)].fail(text)
        return "ok"

    with ENDPOINTS[message][1]() as replier:
        serve({"take": take, "answer": answer, "fail": fail})


def serve(commands: dict[str, Callable[..., str]]) -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.removesuffix("\n").split(" ", 2)
        try:
            said = commands[command](*arguments)
        except shmcomm.SHMError as error:
            said = error_text(error)
        print(said, flush=True)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HUNG_AFTER_S, exit=True)
    {"request": request, "reply": reply}[sys.argv[1]](sys.argv[2])
