# SPDX-License-Identifier: Apache-2.0
"""Child processes that tests speak to in lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LANGUAGES = ("cpp", "python")


class Peer:
    """A child process that is spoken to in lines."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._command = command
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def hear(self) -> str:
        """The next line the program says. Fails with what it complained about if it ends instead."""
        assert self._process.stdout is not None and self._process.stderr is not None
        line = self._process.stdout.readline()
        if not line:
            pytest.fail(f"{' '.join(self._command)} ended: {self._process.stderr.read()}", pytrace=False)
        return line.removesuffix("\n")

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.hear()

    def finish(self) -> None:
        """Ends its input and expects it to leave without a complaint."""
        _, errors = self._process.communicate()
        assert (self._process.returncode, errors) == (0, "")

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


class Peers:
    """Starts programs of both languages in one domain."""

    def __init__(self, build: Path, root: Path) -> None:
        self.root = root
        self._programs = build / "tests" / "interop"
        generated = self._programs / "interop_msgs.shm" / "python"
        paths = [str(generated), str(build / "python")]
        self._environment = os.environ | {
            "SHMCOMM_ROOT": str(root),
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._peers: list[Peer] = []

    def start(self, language: str, name: str, *arguments: str) -> Peer:
        """`name`.py, or the program interop_`name`; it has joined its channels when this returns."""
        program = [str(self._programs / f"interop_{name}")] if language == "cpp" else [sys.executable, str(HERE / f"{name}.py")]
        peer = Peer([*program, *arguments], self._environment)
        self._peers.append(peer)
        assert peer.hear() == "ready"
        return peer

    def begin_at(self, start: str) -> None:
        """Channels that a C++ program of this domain makes begin before the wrap of `start` (support/start.h)."""
        self._environment["SHMCOMM_START"] = start

    def kill(self) -> None:
        for peer in self._peers:
            peer.kill()

    def left(self) -> list[str]:
        """What there is in shared memory but folders that hold channels."""
        domains = [path for path in self.root.iterdir() if path.is_dir()]
        return sorted(str(path) for domain in domains for path in domain.rglob("*"))
