# SPDX-License-Identifier: Apache-2.0
"""What other programs call this one: its script, since every Python program is the same executable."""

from __future__ import annotations

import sys
from pathlib import PurePath

__all__ = ["program_name"]


def program_name() -> str:
    """`viewer.py` of `python viewer.py`, `viewer` of `python -m viewer`. Empty without a script: in `python -c`, at a prompt,
    in a program that embeds Python."""
    arguments = getattr(sys, "argv", None) or [""]
    if arguments[0] in ("", "-c", "-m"):
        return ""
    script = PurePath(arguments[0])
    name = script.parent.name if script.name == "__main__.py" and script.parent.name else script.name
    return name.encode("utf-8", "replace").decode("utf-8")
