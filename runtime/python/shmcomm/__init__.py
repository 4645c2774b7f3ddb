# SPDX-License-Identifier: Apache-2.0
"""Typed messages in shared memory, read where they lie.

Endpoints come from a generated package (`from robot import CameraPublisher`); this package holds what they share: the
exceptions, and `metadata` of a received message.
"""

from collections.abc import Sequence as _Sequence

from shmcomm import _core
from shmcomm.endpoints import Metadata, PublisherStats, SubscriberStats, metadata
from shmcomm.errors import (
    SHMBufferFullError,
    SHMConnectionError,
    SHMCorruptionError,
    SHMError,
    SHMMessageTooLargeError,
    SHMPeerDiedError,
    SHMSchemaMismatchError,
    SHMSerializationError,
    SHMTimeoutError,
)

__all__ = [
    "Metadata",
    "PublisherStats",
    "SHMBufferFullError",
    "SHMConnectionError",
    "SHMCorruptionError",
    "SHMError",
    "SHMMessageTooLargeError",
    "SHMPeerDiedError",
    "SHMSchemaMismatchError",
    "SHMSerializationError",
    "SHMTimeoutError",
    "SubscriberStats",
    "metadata",
]

_Sequence.register(_core.Sequence)
