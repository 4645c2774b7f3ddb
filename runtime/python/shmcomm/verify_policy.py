# SPDX-License-Identifier: Apache-2.0
"""What receiving ends may be told about `verify`."""

from typing import Literal, TypeAlias

__all__ = ["VerifyPolicy"]

VerifyPolicy: TypeAlias = Literal["trusted", "verify", "untrusted"]
