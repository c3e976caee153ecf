"""The CLI's passphrase secrets: one key for a stack, derived from its passphrase and salt.

Owns sealing and opening of texts. Used by state.py and settings.py; writes no file.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulumi_dli.embedded.values import EmbeddedError

ROUNDS = 1_000_000
CHECK = "pulumi"
_DERIVING = ThreadPoolExecutor(2)
"""Deriving a key takes a quarter of a second, beside the start of the child processes; what needs it waits."""


class PassphraseError(EmbeddedError):
    """The passphrase is missing or does not fit the stack."""


@functools.lru_cache(maxsize=16)
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)


class Crypter:
    """Seals and opens the secrets of one stack."""

    def __init__(self, passphrase: str, salt: str | None) -> None:
        raw = os.urandom(8) if salt is None else _parts(salt)[0]
        self._salt = f"v1:{base64.b64encode(raw).decode()}:"
        self._sealed_check = "" if salt is None else _parts(salt)[1]
        self._key = _DERIVING.submit(_key, passphrase, raw)

    @property
    def salt(self) -> str:
        """`v1:<salt>:<sealed check word>`, as it stands in the state and in `encryptionsalt`."""
        if not self._sealed_check:
            self._sealed_check = self.seal(CHECK)
        return self._salt + self._sealed_check

    @functools.cached_property
    def _cipher(self) -> AESGCM:
        cipher = AESGCM(self._key.result())
        if self._sealed_check:
            _open(cipher, self._sealed_check)
        return cipher

    def seal(self, text: str) -> str:
        """`v1:<nonce>:<ciphertext>`."""
        nonce = os.urandom(12)
        sealed = self._cipher.encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str) -> str:
        return _open(self._cipher, sealed)


def _parts(sealed: str) -> tuple[bytes, str]:
    try:
        version, first, rest = sealed.split(":", 2)
        if version == "v1":
            return base64.b64decode(first, validate=True), rest
    except ValueError:
        pass
    raise PassphraseError("an encrypted value or its salt is malformed")


def _open(cipher: AESGCM, sealed: str) -> str:
    nonce, text = _parts(sealed)
    try:
        return cipher.decrypt(nonce, base64.b64decode(text), None).decode()
    except (InvalidTag, ValueError) as error:
        raise PassphraseError("incorrect passphrase (PULUMI_CONFIG_PASSPHRASE) for this stack") from error
