"""What the local DLI remembers: rows in memory, written through to one SQLite file.

Rows are dataclasses of JSON values; rules read `table.rows` and call `save` or `drop`. The server commits once a
request, before it answers: what was answered survives a SIGKILL (the kernel has the pages; a power cut is no concern
here, hence `synchronous=OFF`). Only the server's thread touches it.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
SETTING = "setting"  # the kind of the single values


class DataFileError(Exception):
    """The data file cannot be used: another emulator has it, or it is none."""


class StorageError(Exception):
    """The data file cannot be written now; nothing of the last change is in it."""


class Table(Generic[Row]):
    """The rows of one kind by their key."""

    def __init__(self, store: Store, name: str, row_type: type[Row]) -> None:
        self._store = store
        self.name = name
        try:
            self.rows: dict[str, Row] = {key: row_type(**body) for key, body in store.load(name)}
        except TypeError as error:
            raise DataFileError(f"{store.name} is damaged or of another version ({name}: {error})") from error

    def save(self, key: str, row: Row) -> None:
        self.rows[key] = row
        self._store.touch(self, key)

    def drop(self, key: str) -> None:
        if self.rows.pop(key, None) is not None:
            self._store.touch(self, key)

    def written(self, key: str) -> str | None:
        row = self.rows.get(key)
        return None if row is None else json.dumps(vars(row))


class Store:
    """One SQLite file (or none: `path=None` keeps everything in memory only)."""

    def __init__(self, path: Path | None) -> None:
        self.name = f"the data file {path}"
        self._dirty: dict[tuple[str, str], Table[Any]] = {}
        self._settings: dict[str, Any] = {}
        self._dirty_settings: set[str] = set()
        if path is not None:
            self._prepare(path)
        self._db = sqlite3.connect(str(path) if path else ":memory:", check_same_thread=False, timeout=1.0)
        try:
            self._open(path)
        except sqlite3.OperationalError as error:
            self._db.close()
            raise DataFileError(f"cannot use {self.name}: {error} (is another emulator using it?)") from error
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise DataFileError(f"{self.name} is none of the local DLI: {error}") from error
        except DataFileError:
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        """A file that only its owner reads: it holds jobs' arguments and settings."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise DataFileError(f"cannot use {self.name}: {error.strerror}") from error
        if not path.is_file():
            raise DataFileError(f"cannot use {self.name}: it is no regular file")

    def _open(self, path: Path | None) -> None:
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and tables != {"records"}:
            raise DataFileError(f"{self.name} is none of the local DLI: another program keeps its tables there")
        if path is not None:
            path.chmod(0o600)  # one of an earlier version; SQLite gives its other files the same mode
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records"
            " (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
        )
        self._db.commit()
        self._settings = dict(self.load(SETTING))

    def load(self, kind: str) -> Iterator[tuple[str, Any]]:
        try:
            for key, body in self._db.execute("SELECT id, body FROM records WHERE kind = ?", (kind,)):
                yield key, json.loads(body)
        except (ValueError, TypeError, sqlite3.DatabaseError) as error:
            raise DataFileError(f"{self.name} is damaged or of another version ({kind}: {error})") from error

    def touch(self, table: Table[Any], key: str) -> None:
        self._dirty[table.name, key] = table

    def setting(self, name: str) -> Any:
        """A single JSON value kept beside the tables, None when it was never set."""
        return self._settings.get(name)

    def set_setting(self, name: str, value: Any) -> None:
        self._settings[name] = value
        self._dirty_settings.add(name)

    def commit(self) -> None:
        """Write what changed since the last commit; `StorageError` when that is impossible: all of it stays due."""
        kept = [(SETTING, name, json.dumps(self._settings[name])) for name in self._dirty_settings]
        gone: list[tuple[str, str]] = []
        for (kind, key), table in self._dirty.items():
            body = table.written(key)
            if body is None:
                gone.append((kind, key))
            else:
                kept.append((kind, key, body))
        if not kept and not gone:
            return
        try:
            self._db.executemany("REPLACE INTO records VALUES (?, ?, ?)", kept)
            self._db.executemany("DELETE FROM records WHERE kind = ? AND id = ?", gone)
            self._db.commit()
        except sqlite3.OperationalError as error:
            self._db.rollback()
            raise StorageError(str(error)) from error
        self._dirty.clear()
        self._dirty_settings.clear()

    def discard(self) -> None:
        """Forget what was not committed: whoever holds tables must make them anew."""
        self._dirty.clear()
        self._dirty_settings.clear()
        self._settings = dict(self.load(SETTING))

    def clear(self) -> None:
        """Forget everything."""
        self._dirty.clear()
        self._dirty_settings.clear()
        self._settings.clear()
        try:
            self._db.execute("DELETE FROM records")
            self._db.commit()
        except sqlite3.OperationalError as error:
            self._db.rollback()
            raise StorageError(str(error)) from error

    def close(self) -> None:
        """Write what can be written, and let the file go."""
        with contextlib.suppress(StorageError):  # no answer depends on it any more
            self.commit()
        self._db.close()
