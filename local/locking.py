"""A folder that only one process at a time may have."""

import sqlite3
from pathlib import Path

_NAME = "lock.sqlite3"


class FolderInUseError(Exception):
    """Another process has the folder."""


class FolderLock:
    """Holds a folder until `release`, or until the process ends, however it does: the operating system sees to that.

    Raises FolderInUseError if it is held already.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / _NAME, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            self._connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise FolderInUseError(str(folder)) from error

    def release(self) -> None:
        self._connection.close()
