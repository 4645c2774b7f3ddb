# SPDX-License-Identifier: Apache-2.0
"""The endpoints that generated classes derive from. All work is done in the extension."""

from __future__ import annotations

from datetime import timedelta
from os import PathLike, fspath
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from shmcomm import _core

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Metadata", "Publisher", "PublisherStats", "Subscriber", "SubscriberStats", "metadata"]


class PublisherStats(NamedTuple):
    """Counters of one publisher since it was opened."""

    sent: int
    """messages published"""
    bytes: int
    """their bytes"""
    errors: int
    """publishes and loans refused"""


class SubscriberStats(NamedTuple):
    """Counters of one subscriber since it was opened."""

    received: int
    """messages taken"""
    bytes: int
    """their bytes"""
    lost: int
    """messages overwritten before they were taken"""
    expired: int
    """messages skipped because they were older than the channel's lifespan"""
    demotions: int
    """times a publisher stopped waiting for this subscriber"""
    incompatible: int
    """messages skipped because their publisher's schema does not fit"""
    corrupt: int
    """messages refused because the shared memory did not make sense"""


class Metadata(NamedTuple):
    """What travels with a message."""

    sequence: int
    """the message's number in its channel"""
    lost: int
    """messages this subscriber lost since the sample before"""
    publish_ns: int
    """when it was published, on the clock of time.monotonic_ns()"""
    publisher: int
    """id of its publisher, 1 to 255"""


def metadata(sample: _core.Sample) -> Metadata:
    """What travels with a received message, even where a field of the message has the same name: `sample.sequence` is
    then the field and `metadata(sample).sequence` the number of the message."""
    return Metadata(*_core.metadata(sample))


class Publisher(_core.Publisher):
    """Sends messages on one channel. Used by one thread at a time; opened before fork(), it works only in the parent."""

    _channel: ClassVar[_core.Channel]

    def __init__(
        self,
        channel: str = "",
        *,
        root: str | PathLike[str] = "",
        domain: str = "",
        max_size: int = 0,
        timeout: int | timedelta | None = None,
    ) -> None:
        """Joins the channel, and creates it if this is its first endpoint. `channel` renames it; `root` and `domain`
        choose where channels live ($SHMCOMM_ROOT, $SHMCOMM_DOMAIN); `max_size` is this publisher's own largest message
        in bytes, at most the channel's; `timeout` is how long a send waits for room on a reliable channel, in
        milliseconds or as a timedelta, None for ever. Errors: SHMConnectionError, SHMSchemaMismatchError, SHMCorruptionError,
        ValueError for an option out of range."""
        super().__init__(self._channel, channel, fspath(root), domain, max_size, timeout)

    @property
    def stats(self) -> PublisherStats:
        """Counters; after close those of the end."""
        return PublisherStats(*self.counters())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Subscriber(_core.Subscriber):
    """Takes the messages of one channel, in order, from the moment it was opened. Used by one thread at a time; opened
    before fork(), it works only in the parent. Messages may outlive it and may be dropped on any thread."""

    _channel: ClassVar[_core.Channel]

    def __init__(self, channel: str = "", *, root: str | PathLike[str] = "", domain: str = "") -> None:
        """Joins the channel, and creates it if this is its first endpoint. Options and errors as Publisher."""
        super().__init__(self._channel, channel, fspath(root), domain)

    @property
    def stats(self) -> SubscriberStats:
        """Counters; after close those of the end."""
        return SubscriberStats(*self.counters())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
