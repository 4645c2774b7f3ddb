# SPDX-License-Identifier: Apache-2.0
"""Any arguments to the installed commands: exit status 0, 1 or 2, a reason on standard error, no traceback, and nothing
written but what was asked for.

SHMCOMM_FUZZ_RUNS sets how many command lines are tried; SHMCOMM_SEED repeats a run's choices.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import shmcomm.cli
import shmcomm_gen.cli

ROOT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("SHMCOMM_FUZZ_RUNS", "600"))
SEED = int(os.environ.get("SHMCOMM_SEED", str(random.randrange(1 << 32))))
GOOD = "table Pose { x:double; }\nchannel pose : pubsub<Pose>;\n"
VERBS = ["check", "format", "lock", "explain", ""]
OPTIONS = [
    "--cpp", "--python", "--bfbs", "--flatc", "--depfile", "--version", "--help", "-h", "-I", "-Iincluded", "--compatible-with",
    "--error-format", "--error-format=json", "--error-format=github", "--for", "--for=cpp", "--check", "-o", "--cmake-dir", "--",
    "--cp", "--error-format=", "--nonsense", "-",
]  # fmt: skip
VALUES = [
    "good.channel", "bad.channel", "binary.channel", "empty.channel", "good.lock", "\udcff.channel", "absent.channel", "out", "out/deep/er", ".",
    "included", "good.channel/x", "loop.channel", "", " ", "S014", "S999", "json", "cpp", "é\U0001f600", "\udcff", "x" * 300,
    "/dev/null", "/nowhere/x", "%s%n{}", "@good.channel", "-1",
]  # fmt: skip
INSIDE = "in"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands are run, with a few files that they may read."""
    inside = tmp_path / INSIDE
    inside.mkdir()
    (inside / "included").mkdir()
    (inside / "bad.channel").write_text("table {")
    (inside / "binary.channel").write_bytes(bytes(range(256)))
    (inside / "empty.channel").touch()
    (inside / "loop.channel").write_text('include "loop.channel";\n' + GOOD)
    (inside / "good.channel").write_text(GOOD)
    (inside / "\udcff.channel").write_text(GOOD)
    (inside / "good.lock").write_text("no lock")
    monkeypatch.chdir(inside)
    monkeypatch.setattr("shutil.which", lambda *_args, **_named: None)  # no other program is run
    return tmp_path


def random_line(choices: random.Random) -> list[str]:
    """A verb, often, and then options and values in any order."""
    line = [choices.choice(VERBS)] if choices.random() < 0.6 else []
    for _ in range(choices.randrange(6)):
        line.append(choices.choice(OPTIONS if choices.random() < 0.4 else VALUES))
    if choices.random() < 0.5:
        line.append("good.channel")
    return line


def run(main: Callable[[Sequence[str]], int], line: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> tuple[object, str, str]:
    """The exit status and what was printed. An exception, a traceback to the user, is raised."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors) for errors in ("strict", "backslashreplace"))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode()), encoding="utf-8"))
    try:
        status: object = main(line)
    except SystemExit as end:
        status = end.code
    for stream in (out, err):
        stream.flush()
    return status, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


def paths_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("command", ["shmcommc", "shmcomm"])
def test_any_command_line_is_answered(command: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = shmcomm_gen.cli.main if command == "shmcommc" else shmcomm.cli.main
    print(f"SHMCOMM_SEED={SEED}")
    choices = random.Random(SEED)
    outside = paths_below(folder) - {path for path in paths_below(folder) if path.startswith(INSIDE)}
    for _ in range(min(RUNS, 20_000)):
        line = random_line(choices)

        with monkeypatch.context() as patched:
            status, out, err = run(main, line, patched)

        assert status in (0, 1, 2), (line, status)
        is_told = err or any(form in line for form in ("--error-format=json", "--error-format=github", "--error-format", "--check"))
        assert status == 0 or is_told, line
        assert status != 2 or "usage" in err, (line, err)
        assert "Traceback" not in out + err, line
        assert {path for path in paths_below(folder) if not path.startswith(INSIDE)} == outside, line


@pytest.mark.parametrize("module", ["shmcomm_gen", "shmcomm.cli"])
@pytest.mark.parametrize("line", [["\udcff"], ["--cpp"], ["--bfbs", "/proc/none", "good.channel"], ["format", "good.channel", "-"]])
def test_the_program_itself_shows_no_traceback(module: str, line: list[str], folder: Path) -> None:
    """With the interpreter's own streams, which are not those above."""
    code = f"from {'shmcomm_gen.cli' if module == 'shmcomm_gen' else module} import run; run()"
    command = [sys.executable, "-c", code, *(os.fsencode(word) for word in line)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "generator"), *sys.path]), "LC_ALL": "C.UTF-8"}

    done = subprocess.run(command, cwd=folder / INSIDE, env=environment, input=GOOD.encode(), capture_output=True, check=False)

    assert done.returncode in (0, 1, 2), done.stderr.decode()
    assert b"Traceback" not in done.stderr
