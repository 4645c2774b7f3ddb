# SPDX-License-Identifier: Apache-2.0
"""What endpoints say to the logger `shmcomm`: nothing is printed unless the program, or debug mode, sets logging up."""

from __future__ import annotations

import logging
import os

from shmcomm import _core

__all__ = ["logger", "set_debug"]

logger = logging.getLogger("shmcomm")
logger.addHandler(logging.NullHandler())


def set_debug(on: bool = True) -> None:
    """Debug mode logs every message that is sent or received, at level DEBUG, to standard error if logging is not set up.

    `SHMCOMM_DEBUG=1` in the environment turns it on at import. It costs some microseconds a message.

    >>> set_debug(False)
    """
    _core.set_debug(on)
    logger.setLevel(logging.DEBUG if on else logging.NOTSET)
    if on and not logging.getLogger().handlers and len(logger.handlers) == 1:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s[%(process)d] %(levelname)s %(message)s"))
        logger.addHandler(handler)


def is_wanted() -> bool:
    """Whether the environment asks for debug mode."""
    return os.environ.get("SHMCOMM_DEBUG", "0") not in ("", "0")


# What follows is called by the extension.


def message(what: str, channel: str, codec: str, size: int) -> None:
    """`what` is sent or received."""
    logger.debug("%s: %s %s, %d B", channel, what, codec, size)


def notice(level: int, text: str) -> None:
    """The runtime says something; its levels are those of C++'s LogLevel."""
    logger.log((logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR)[level], "%s", text)


def failure(error: Exception) -> None:
    """An endpoint is about to raise `error`."""
    logger.error("%s: %s", type(error).__name__, error)


def nearly_full(channel: str, unread: int, limit: int) -> None:
    """A subscriber has left most of the ring unread."""
    logger.warning(
        "%s: ring %d %% full, drops likely: %d of %d messages unread; receive faster, or give Publisher and Subscriber a "
        "larger capacity",
        channel,
        min(100, unread * 100 // limit),
        min(unread, limit),
        limit,
    )


def lost(channel: str, lost_now: int, lost_in_all: int) -> None:
    """Messages were overwritten before they were received."""
    logger.warning("%s: lost %d messages, %d in all, because they were not received in time", channel, lost_now, lost_in_all)


def ring_full(channel: str, size: int, _: int) -> None:
    """A reliable publisher did not send a message."""
    logger.warning("%s: ring full, a message of %d B was not sent (send answered False)", channel, size)
