# SPDX-License-Identifier: Apache-2.0
"""What each diagnostic means, at length."""
from __future__ import annotations


def explain(code: str) -> str | None:
    return None
