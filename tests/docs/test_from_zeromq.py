# SPDX-License-Identifier: Apache-2.0
"""The page for who comes from ZeroMQ: each call that its table puts in place of one of pyzmq runs."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT

PAGE = ROOT / "runtime/doc/guide/from_zeromq.md"

# What stands around a call, by how it begins; the first that fits.
AROUND = {
    r"(pub|sub|await sub)\b": """
with Publisher("x") as pub, Subscriber("x") as sub:
    pub.send(obj)
    <call>
""",
    r"(pusher|puller|Pusher|Puller)\b": """
with Pusher("x") as pusher, Puller("x") as puller:
    pusher.send(job)
    <call>
""",
    r"requester\b": """
with Requester("x") as requester, Replier("x") as replier:
    serving = Thread(target=replier.serve, args=[str])
    serving.start()
    try:
        <call>
    finally:
        replier.stop()
        serving.join()
""",
    r"(replier|Requester|Replier)\b": """
with Requester("x") as requester, Replier("x") as replier:
    call = requester.start(q)
    handle = lambda request: replier.stop()
    <call>
""",
}
SHORTENED = {"Publisher(timeout=100)", "close()"}


def calls() -> list[str]:
    """The calls in the second column."""
    rows = re.findall(r"^\|.*? \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    found = [span for row in rows for span in re.findall(r"`([^`]+)`", row) if "(" in span]
    return [span for span in dict.fromkeys(found) if span not in SHORTENED]


def test_the_table_is_read() -> None:
    assert len(calls()) >= 25
    assert {"sub.latest()", "replier.serve(handle)", "requester.send(q); requester.recv()"} <= set(calls())


@pytest.mark.parametrize("call", calls())
def test_a_call_of_the_table_runs(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = pytest.importorskip("numpy")
    shmcomm = pytest.importorskip("shmcomm", reason="the extension is not built")
    monkeypatch.setenv("SHMCOMM_ROOT", str(tmp_path))
    names: dict[str, Any] = {name: getattr(shmcomm, name) for name in shmcomm.__all__}
    names |= {"obj": {"a": 1}, "data": b"abc", "array": numpy.arange(3), "default": None, "job": 1, "q": 1, "a": 2}
    exec("from threading import Thread", names)
    around = next(program for beginning, program in AROUND.items() if re.match(beginning, call))
    if call.startswith("await "):
        call = f"run({call.removeprefix('await ')})"

    exec(around.replace("<call>", call), names | {"run": asyncio.run})
