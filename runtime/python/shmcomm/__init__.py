# SPDX-License-Identifier: Apache-2.0
"""Messages between the programs of one machine, in shared memory, read where they lie.

Any object by name, without a schema:

>>> with Publisher("robot_commands") as pub, Subscriber("robot_commands") as sub:
...     pub.send({"cmd": "move", "pos": [1.0, 2.0, 3.0]})
...     sub.recv(timeout=100)
True
{'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}

Pusher and Puller give out jobs. Requester and Replier call:

>>> with Requester("control_service") as client, Replier("control_service") as server:
...     client.send({"query": "status"})
...     request = server.recv(timeout=100)
...     server.send({"status": "ok"})
...     client.recv(timeout=100)
True
{'status': 'ok'}

In asyncio: `await sub.arecv()`, `async for message in sub`, `await client.acall(message)`.

Typed endpoints come from a generated package (`from robot import CameraPublisher`) or from `shmcomm.load`; this package
holds what they share: the exceptions, and `metadata` of a received message.

A timeout is an int of milliseconds, a timedelta, or None for ever. Every error is an SHMError; misuse of a function is
TypeError or ValueError. SHMCOMM_ROOT and SHMCOMM_DOMAIN choose where channels live, SHMCOMM_DEBUG=1 logs every message to
the logger `shmcomm`. No daemon runs, and nothing has to be cleaned up.
"""

from collections.abc import Sequence as _Sequence

from shmcomm import _core
from shmcomm.calls import ReplierStats, RequesterStats, RequestMetadata
from shmcomm.codecs import register_codec
from shmcomm.endpoints import Metadata, PublisherStats, SubscriberStats, metadata
from shmcomm.errors import (
    SHMBufferFullError,
    SHMConnectionError,
    SHMCorruptionError,
    SHMError,
    SHMMessageTooLargeError,
    SHMPeerDiedError,
    SHMReplyError,
    SHMSchemaMismatchError,
    SHMSerializationError,
    SHMTimeoutError,
)
from shmcomm.jobs import JobMetadata, PullerStats, PusherStats
from shmcomm.loading import load
from shmcomm.log import is_wanted as _is_debugging_wanted
from shmcomm.log import set_debug
from shmcomm.program import program_name as _program_name
from shmcomm.roles import tell_of_others as _tell_of_others
from shmcomm.untyped import Loan, Publisher, Subscriber
from shmcomm.untyped_calls import Requester
from shmcomm.untyped_jobs import Puller, Pusher
from shmcomm.untyped_serving import Replier

__all__ = [
    "JobMetadata",
    "Loan",
    "Metadata",
    "Publisher",
    "PublisherStats",
    "Puller",
    "PullerStats",
    "Pusher",
    "PusherStats",
    "Replier",
    "ReplierStats",
    "RequestMetadata",
    "Requester",
    "RequesterStats",
    "SHMBufferFullError",
    "SHMConnectionError",
    "SHMCorruptionError",
    "SHMError",
    "SHMMessageTooLargeError",
    "SHMPeerDiedError",
    "SHMReplyError",
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

_tell_of_others([Publisher, Subscriber, Pusher, Puller, Requester, Replier])
_core.set_program_name(_program_name())

if _is_debugging_wanted():
    set_debug()

_Sequence.register(_core.Sequence)
