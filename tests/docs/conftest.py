# SPDX-License-Identifier: Apache-2.0
"""The folder's own modules, and the built package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
if "SHMCOMM_BUILD_DIR" in os.environ:
    sys.path.insert(0, str(Path(os.environ["SHMCOMM_BUILD_DIR"]) / "python"))
