# SPDX-License-Identifier: Apache-2.0
"""What can go wrong. Every exception of this package is an SHMError, except those for misuse of a function
(TypeError, ValueError, AttributeError) as everywhere in Python."""

__all__ = [
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
]


class SHMError(Exception):
    """Base of all errors of shared-memory messaging."""


class SHMConnectionError(SHMError):
    """An endpoint cannot join its channel, or is used after it was closed or after fork()."""


class SHMTimeoutError(SHMError, TimeoutError):
    """Nothing arrived in the time given."""

    maybe_executed: bool = False
    """of a call: whether a replier may have done what was asked"""


class SHMBufferFullError(SHMError):
    """No slot is free: too many messages are borrowed or on loan, a reliable ring is full, or shared memory is."""


class SHMSerializationError(SHMError):
    """A value does not fit its field. The text begins with the path of the field: `objects[3].pose.x: ...`."""


class SHMSchemaMismatchError(SHMError):
    """The other side of the channel was built from a schema that is not compatible."""


class SHMMessageTooLargeError(SHMError):
    """A message is larger than the channel's max_size."""


class SHMPeerDiedError(SHMError):
    """The process at the other end died, or nobody is there."""

    maybe_executed: bool = False
    """of a call: whether its replier may have done what was asked before it died"""


class SHMReplyError(SHMError):
    """What a replier answered instead of a reply: the handler's error, with its message."""

    code: str = "UNKNOWN"
    """the name of the error's absl::StatusCode; UNKNOWN from a handler in Python"""


class SHMCorruptionError(SHMError):
    """Shared memory, or a message in it, does not make sense."""
