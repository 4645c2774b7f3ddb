# SPDX-License-Identifier: Apache-2.0
"""Typed messages in shared memory, read where they lie.

Endpoints come from a generated package (`from robot import CameraPublisher`); this package holds what they share: the
exceptions, and `metadata` of a received message.
"""

from collections.abc import Sequence as _Sequence

from shmcomm import _core
from shmcomm.codecs import register_codec
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
from shmcomm.loading import load
from shmcomm.log import is_wanted as _is_debugging_wanted
from shmcomm.log import set_debug
from shmcomm.untyped import Loan, Publisher, Subscriber

__all__ = [
    "Loan",
    "Metadata",
    "Publisher",
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
    "Subscriber",
    "SubscriberStats",
    "load",
    "metadata",
    "register_codec",
    "set_debug",
]

if _is_debugging_wanted():
    set_debug()

_Sequence.register(_core.Sequence)
