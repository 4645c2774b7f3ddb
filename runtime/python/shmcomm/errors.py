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
    """Base of all errors of shared-memory messaging. Raised itself where an end or message is used out of turn.

    The text says the channel, what went wrong with the numbers that matter, and what to do; on more lines where there is more to
    choose from.

    >>> with Replier("doc/out_of_turn") as server:
    ...     server.send("to nobody")
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMError: doc/out_of_turn: no request is in hand; recv() one first
    """


class SHMConnectionError(SHMError):
    """An endpoint cannot join its channel, or is used after it was closed or after fork().

    At opening: no place for another end, no permission, shared memory full; the text says which. Nothing is left behind. In use:
    open another endpoint, after fork() in the child.

    >>> end = Publisher("doc/left")
    >>> end.close()
    >>> end.send("too late")
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMConnectionError: doc/left: this endpoint is closed; open another one
    """


class SHMTimeoutError(SHMError, TimeoutError):
    """Nothing arrived in the time given. Nothing is lost by it: wait again, or longer.

    >>> with Subscriber("doc/silent") as sub:
    ...     sub.recv(timeout=1)
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMTimeoutError: doc/silent: no message within 1 ms; wait longer, or see whether a publisher is open there
    """

    maybe_executed: bool = False
    """of a call: whether a replier may have done what was asked"""


class SHMBufferFullError(SHMError):
    """No slot is free: too many messages are borrowed or on loan, a reliable ring is full, or shared memory is.

    Nothing was sent or taken. What is held longest is named; let go of some, copy what is kept, or wait.

    >>> with Publisher("doc/lent_out") as pub, pub.loan(3), pub.loan(3):
    ...     with pub.loan(3):
    ...         pass
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMBufferFullError: doc/lent_out: you hold 2 of 2 loans; publish or drop one
    """


class SHMSerializationError(SHMError):
    """A value does not fit its field, or an object cannot be encoded or decoded.

    With a schema the text has the path of the field, `map: objects[3].pose.x: expected float, got 'a'`. Without, the cause is in
    `__cause__`. What was not encoded was not sent; what was not decoded is taken, and the next message comes next.

    >>> with Publisher("doc/function") as pub:
    ...     pub.send(lambda: 0)
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMSerializationError: doc/function: cannot pickle the function to send: ...
    """


class SHMSchemaMismatchError(SHMError):
    """The channel runs with another schema, other options or another pattern. Each difference is in the text, with the programs.

    >>> with Publisher("doc/agreed", capacity=16):
    ...     Publisher("doc/agreed", capacity=32)
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMSchemaMismatchError: channel 'doc/agreed': this program and the running ... disagree
    ...
      option capacity: 16 -> 32
      fix: give both ends the same options, or this one another channel name
    """


class SHMMessageTooLargeError(SHMError):
    """A message is larger than the max_size of its channel or end. It was not sent.

    >>> with Publisher("doc/small", max_size=1000) as pub:
    ...     pub.send(bytes(2000))
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMMessageTooLargeError: doc/small: message is 2,000 B, max_size is 1,000 B; open the publisher with max_size=2000
    """


class SHMPeerDiedError(SHMError):
    """The process at the other end died, or nobody is there.

    >>> with Requester("doc/nobody", wait_for_replier=False) as client:
    ...     client.call("anybody?")
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMPeerDiedError: doc/nobody: no replier is attached, so the request was not executed; start one, or ...
    """

    maybe_executed: bool = False
    """of a call: whether its replier may have done what was asked before it died"""


class SHMReplyError(SHMError):
    """What a replier answered instead of a reply: the handler's error, or that it dropped the request or could not read it.

    >>> with Replier("doc/refuses") as server, Requester("doc/refuses") as client:
    ...     call = client.start("left")
    ...     _ = server.recv(timeout=100), server.fail("out of order")
    ...     try:
    ...         call.result(timeout=100)
    ...     except SHMReplyError as error:
    ...         print(error.message, error.code, error, sep="\\n")
    out of order
    UNKNOWN
    doc/refuses: the replier answered with an error: out of order
      options: another request; the replier's log may say more
    """

    message: str = ""
    """what the replier said: `KeyError: 'left'`"""
    code: str = "UNKNOWN"
    """the name of the error's absl::StatusCode; UNKNOWN from a handler in Python, ABORTED where it dropped the request"""


class SHMCorruptionError(SHMError):
    """Shared memory, or a message in it, does not make sense: something else wrote there. What cannot be read is skipped; a ring or
    a file that cannot is made anew once all ends of its channel are closed.

    >>> robot = load("robot.channel")
    >>> from shmcomm.typed import decode
    >>> decode(robot.Imu, b"too short")
    Traceback (most recent call last):
        ...
    shmcomm.errors.SHMCorruptionError: robot.Imu at byte 0 does not lie inside its message of 9 bytes; it is damaged: drop it, ...
    """
