"""What the local DLI remembers: rows in memory, written through to one SQLite file.

Rows are dataclasses of JSON values; rules read `table.rows` and call `save` or `drop`. The server commits once a
request, before it answers: what was answered survives a SIGKILL (the kernel has the pages; a power cut is no concern
here, hence `synchronous=OFF`). Only the server's thread touches it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")


class DataFileBusyError(Exception):
    """Another emulator works on this file."""


class Table(Generic[Row]):
    """The rows of one kind by their key."""

    def __init__(self, store: Store, name: str, row_type: type[Row]) -> None:
        self._store = store
        self.name = name
        self.rows: dict[str, Row] = {key: row_type(**body) for key, body in store.load(name)}

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
        self._dirty: dict[tuple[str, str], Table[Any]] = {}
        self._db = sqlite3.connect(str(path) if path else ":memory:", check_same_thread=False, timeout=1.0)
        try:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS records"
                " (kind TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
            )
            self._db.commit()
        except sqlite3.OperationalError as error:
            self._db.close()
            raise DataFileBusyError(
                f"cannot use the data file {path}: {error} (is another emulator using it?)"
            ) from error

    def load(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for key, body in self._db.execute("SELECT id, body FROM records WHERE kind = ?", (kind,)):
            yield key, json.loads(body)

    def touch(self, table: Table[Any], key: str) -> None:
        self._dirty[table.name, key] = table

    def setting(self, name: str) -> Any:
        """A single JSON value kept beside the tables, None when it was never set."""
        found = self._db.execute("SELECT body FROM records WHERE kind = 'setting' AND id = ?", (name,)).fetchone()
        return None if found is None else json.loads(found[0])

    def set_setting(self, name: str, value: Any) -> None:
        self._db.execute("REPLACE INTO records VALUES ('setting', ?, ?)", (name, json.dumps(value)))
        self._db.commit()

    def commit(self) -> None:
        """Write what changed since the last commit."""
        if not self._dirty:
            return
        kept: list[tuple[str, str, str]] = []
        gone: list[tuple[str, str]] = []
        for (kind, key), table in self._dirty.items():
            body = table.written(key)
            if body is None:
                gone.append((kind, key))
            else:
                kept.append((kind, key, body))
        self._db.executemany("REPLACE INTO records VALUES (?, ?, ?)", kept)
        self._db.executemany("DELETE FROM records WHERE kind = ? AND id = ?", gone)
        self._db.commit()
        self._dirty.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._dirty.clear()
        self._db.execute("DELETE FROM records")
        self._db.commit()

    def close(self) -> None:
        self.commit()
        self._db.close()
