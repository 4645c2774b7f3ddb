# SPDX-License-Identifier: Apache-2.0
"""Output kept under goldens/, so that a review shows how it changes. SHMCOMM_UPDATE_GOLDENS=1 writes it anew."""

from __future__ import annotations

import os
from pathlib import Path

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"


def assert_golden(name: str, text: str) -> None:
    path = GOLDENS / name
    if os.environ.get("SHMCOMM_UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs from tests/generator/goldens"
