"""A small disk, which is soon full, for one process alone."""

import ctypes
import os
from pathlib import Path


def mount(store: str) -> str | None:
    """Mount a small disk on the store for this process alone; why that cannot be, or None."""
    user, group = os.getuid(), os.getgid()
    try:
        _check(_libc().unshare(_NEW_MOUNTS if user == 0 else _NEW_MOUNTS | _NEW_USERS) == 0)
        if user != 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _mount("none", "/", _RECURSIVE | _PRIVATE)
        _mount("tmpfs", store, 0, f"size={_PLENTY}")
        leave_free(store, None)
    except (OSError, AttributeError) as error:
        return f"this machine lets nobody mount a small disk ({error})"
    return None


def leave_free(store: str, room: int | None) -> None:
    """Resize the small disk so that this much is free."""
    found = os.statvfs(store)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    _mount("tmpfs", store, _REMOUNT, f"size={used + (_PLENTY if room is None else room)}")


def _mount(kind: str, where: str, flags: int, options: str = "") -> None:
    _check(_libc().mount(kind.encode(), os.fsencode(where), kind.encode(), ctypes.c_ulong(flags), options.encode()) == 0)


def _check(done: bool) -> None:
    if not done:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


_PLENTY = 64 << 20
_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000  # <sched.h>
_REMOUNT, _RECURSIVE, _PRIVATE = 1 << 5, 1 << 14, 1 << 18  # <sys/mount.h>
