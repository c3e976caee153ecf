"""Where savepoints and checkpoints lie: `obs://bucket/key/` ↔ folders below one root. No Flink, no HTTP."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

SCHEME = "obs://"
METADATA = "_metadata"  # what makes a folder a savepoint or a complete checkpoint


@dataclass(frozen=True)
class ObjectFolders:
    """The folders behind the `obs://` paths that Flink writes to and restores from."""

    root: Path

    def folder(self, path: str) -> Path:
        """The folder of `obs://bucket/key/` (or `bucket/key/`, as `checkpoint_path` may be written).

        Raises ValueError for a path without bucket or one that leads out of it.
        """
        parts = [part for part in path.removeprefix(SCHEME).split("/") if part]
        if not parts or any(part in {".", ".."} or "\0" in part for part in parts):
            raise ValueError(f"not a path of a bucket: {path!r}")
        return self.root.joinpath(*parts)

    def path(self, folder: Path) -> str:
        """The `obs://…/` path of a folder below the root."""
        return f"{SCHEME}{folder.relative_to(self.root).as_posix()}/"

    def snapshot(self, path: str) -> Path | None:
        """The folder to restore from, or None: the path itself or its only snapshot one level down."""
        try:
            folder = self.folder(path)
        except ValueError:
            return None
        if (folder / METADATA).is_file():
            return folder
        below = list(folder.glob(f"*/{METADATA}"))
        return below[0].parent if len(below) == 1 else None

    def remove(self, path: str) -> None:
        """Delete a snapshot and the folder made for it, when nothing else is in it."""
        folder = self.snapshot(path)
        if folder is None:
            return
        shutil.rmtree(folder, ignore_errors=True)
        parent = folder.parent
        if parent != self.root and not any(parent.iterdir()):
            parent.rmdir()


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint below the checkpoint folder of one run, or None."""
    complete = [found.parent for found in folder.glob(f"chk-*/{METADATA}")]
    return max(complete, key=lambda checkpoint: int(checkpoint.name.removeprefix("chk-")), default=None)
