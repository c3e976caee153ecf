"""Keeps known credentials out of every text that leaves the host. Called by `messages.py` and `answers.py`."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote

SHORTEST = 4  # a shorter word occurs in ordinary text: masking it would garble messages and give the word away


class Mask:
    """Words that must not be shown, and the one way to take them out of a text."""

    def __init__(self) -> None:
        self._words: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def add(self, words: Iterable[str | None]) -> None:
        """Never show these again, as they are or written into a URL or into JSON; very short ones are left out."""
        with self._lock:
            for word in words:
                if word and len(word) >= SHORTEST:
                    self._words |= {word, quote(word), quote(word, safe=""), json.dumps(word)[1:-1]}
            longest_first = sorted(self._words, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        pattern = self._pattern
        return pattern.sub("[secret]", text) if pattern else text
