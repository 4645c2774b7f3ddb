# SPDX-License-Identifier: Apache-2.0
"""flatc makes the C++ of the types: it reads the `.fbs` texts we print and its output comes back as values."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from shmcomm_gen.diagnostics import Sink

_INSTALL = "install it (Debian: flatbuffers-compiler), or name it with --flatc PATH"


def find_flatc(asked: Path | None, sink: Sink) -> Path | None:
    """The flatc asked for, else the one on PATH."""
    found = shutil.which(str(asked) if asked else "flatc")
    if found is None:
        what = f"'{asked}' is no program" if asked else "flatc, which makes the C++ of the types, was not found"
        sink.error("S036", what, None, _INSTALL)
    return Path(found).absolute() if found else None


def version_of(flatc: Path) -> str:
    """What `flatc --version` says, empty where it says nothing."""
    result = subprocess.run([str(flatc), "--version"], capture_output=True, text=True, check=False)
    return result.stdout


def generated_headers(flatc: Path, texts: Mapping[str, str], sink: Sink) -> dict[str, bytes]:
    """`<stem>_generated.h` for each `.fbs` text by its stem."""
    with tempfile.TemporaryDirectory(prefix="shmcommc-") as name:
        directory = Path(name)
        for stem, text in texts.items():
            (directory / f"{stem}.fbs").write_text(text, encoding="utf-8")
        inputs = [f"{stem}.fbs" for stem in texts]
        command = [str(flatc), "--cpp", "-o", "out", *inputs]
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            said = " ".join((result.stdout + result.stderr).split())
            sink.error("S037", f"flatc refused a schema that passed our checks: {said}", None,
                       "this is a fault of shmcommc: please report it with the schema")  # fmt: skip
            return {}
        return {f"{stem}_generated.h": (directory / "out" / f"{stem}_generated.h").read_bytes() for stem in texts}
