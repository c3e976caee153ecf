"""Handle a call, and commit what it changed before anything is answered."""

from __future__ import annotations

import errno
from collections.abc import Callable

from pulumi_dli.emulator.core.errors import Refusal, disk_full
from pulumi_dli.emulator.core.messages import Reply
from pulumi_dli.emulator.core.store import StorageError
from pulumi_dli.emulator.local_dli import LocalDli

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


class Commits:
    """The way to the store of one local DLI."""

    def __init__(self, dli: LocalDli) -> None:
        self._dli = dli

    def act(self, *, reads: bool, handle: Callable[[], Reply]) -> Reply:
        """Handle, and commit. With a full disk, reads are answered all the same and writes leave nothing behind."""
        try:
            reply = handle()
        except Refusal:
            self._commit(reads=True)  # what the clock brought, not what the call wanted
            raise
        except StorageError as error:
            raise self._undone(str(error)) from error
        except OSError as error:
            if error.errno not in NO_SPACE:
                raise
            raise self._undone(error.strerror or "") from error
        self._commit(reads=reads)
        return reply

    def _commit(self, *, reads: bool) -> None:
        try:
            self._dli.store.commit()
        except StorageError as error:
            if not reads:
                raise self._undone(str(error)) from error

    def _undone(self, reason: str) -> Refusal:
        self._dli.restore()
        return disk_full(reason)
