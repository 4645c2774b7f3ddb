# SPDX-License-Identifier: Apache-2.0
"""A tmpfs of this process and its children alone, which becomes full in a moment and has room again."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

CLONE_NEWNS = 0x20000
MS_REMOUNT, MS_REC, MS_PRIVATE = 32, 1 << 14, 1 << 18
ROOM = 256 << 20

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(source: bytes | None, target: Path, flags: int, options: str = "") -> None:
    check(libc.mount(source, os.fsencode(target), source, ctypes.c_ulong(flags), options.encode()))


class SmallTmpfs:
    """Mounted over `path`, in a mount namespace of its own, which goes with this process. PermissionError without the right."""

    def __init__(self, path: Path) -> None:
        self.path = path
        check(libc.unshare(CLONE_NEWNS))
        mount(None, Path("/"), MS_REC | MS_PRIVATE)
        mount(b"tmpfs", path, 0, f"size={ROOM}")
        self.used_at_first = self.used()

    def used(self) -> int:
        space = os.statvfs(self.path)
        return (space.f_blocks - space.f_bfree) * space.f_frsize

    def fill(self, free: int) -> bool:
        """Leaves `free` bytes of room. False if somebody was faster, and took more than that just now."""
        try:
            mount(b"tmpfs", self.path, MS_REMOUNT, f"size={self.used() + free}")
        except OSError:
            return False
        return True

    def empty(self) -> None:
        mount(b"tmpfs", self.path, MS_REMOUNT, f"size={ROOM}")

    def unmount(self) -> None:
        check(libc.umount2(os.fsencode(self.path), 0))
