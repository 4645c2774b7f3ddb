# SPDX-License-Identifier: Apache-2.0
"""Messages between the programs of one machine, in shared memory, read where they lie.

Any object by name, without a schema:

>>> with Publisher("robot_commands") as pub, Subscriber("robot_commands") as sub:
...     pub.send({"cmd": "move", "pos": [1.0, 2.0, 3.0]})
...     sub.recv(timeout=100)
True
{'cmd': 'move', 'pos': [1.0, 2.0, 3.0]}

Jobs, each for one of those who pull:

>>> with Pusher("tiles") as pusher, Puller("tiles") as puller:
...     pusher.send({"tile": 7})
...     puller.recv(timeout=100)
True
{'tile': 7}

Calls:

>>> with Requester("control_service") as client, Replier("control_service") as server:
...     client.send({"query": "status"})
...     request = server.recv(timeout=100)
...     server.send({"status": "ok"})
...     client.recv(timeout=100)
True
{'status': 'ok'}

ENDS
    Publisher    send, loan                                  Subscriber   recv, try_recv, recv_many, latest
    Pusher       send, loan                                  Puller       recv, try_recv, done, give_back
    Requester    call, start; or send and recv in turns      Replier      serve, take; or recv and send in turns

    All have channel, closed, stats and close, and close at the end of a `with` block. Who receives has poll and fileno, and can be
    iterated over. In asyncio: `await sub.arecv()`, `async for message in sub`, `await client.acall(message)`. Ends may be opened
    and closed in any order, and restart. A channel begins with its first end and is gone after its last; one name is one channel,
    of one of the three patterns.

MESSAGES
    Bytes arrive as bytes or a memoryview, NumPy arrays as arrays, everything else is pickled (`serializer="msgpack"`, or
    register_codec, for other ways). A pickle of another user is refused. Up to 16 MiB, to 2 GiB with max_size. Large bytes and
    arrays look at shared memory until they go out of use; a subscriber may hold six such messages.

    Typed messages, and ends for them, come from a generated package (`from robot import CameraPublisher`) or from load;
    help(shmcomm.typed) tells of those. metadata is what travels with a message.

TIME
    A timeout is an int of milliseconds, a timedelta, or None for ever. While an end waits other threads run, and Ctrl-C ends the
    wait.

ERRORS
    Every error is an SHMError that says the channel, what is wrong and what to do; misuse of a function is TypeError, ValueError or
    AttributeError. Nothing to receive is None or an SHMTimeoutError, loss a number: metadata.lost, stats.lost.

THREADS AND PROCESSES
    An end serves one thread at a time unless it says otherwise; close may come from any. After fork() it works only in the parent.
    What a process held that died is free for others at once, and its jobs go to them. No daemon runs.

COST
    What is sent is copied once, into shared memory, or not at all (loan); large messages are not copied when they are received.
    As a rule a system call is made only to sleep, to wake a sleeper, and for memory on first use.

ENVIRONMENT
    SHMCOMM_ROOT and SHMCOMM_DOMAIN choose where channels live. SHMCOMM_DEBUG=1 logs every message to the logger `shmcomm`, which
    otherwise gets warnings and errors.
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
