"""The CLI's passphrase secrets: one key for a stack, derived from its passphrase and salt.

Owns sealing and opening of texts. Used by checkpoint.py and settings.py; writes no file and keeps no passphrase.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import threading

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROUNDS = 1_000_000
CHECK = "pulumi"


class PassphraseError(Exception):
    """The passphrase is missing or does not fit the stack."""


@functools.lru_cache(maxsize=16)
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ROUNDS, 32)


class Crypter:
    """Seals and opens the secrets of one stack.

    Deriving the key takes a quarter of a second, so it runs beside the start of the child processes; the first
    sealing or opening waits for it.
    """

    def __init__(self, passphrase: str, salt: str | None) -> None:
        self._passphrase = passphrase
        self._salt = base64.b64decode(salt.split(":")[1]) if salt else os.urandom(8)
        self._state = salt
        self._lock = threading.Lock()
        self._aead: AESGCM | None = None

    def warm(self) -> None:
        """Begin to derive the key."""
        threading.Thread(target=_key, args=(self._passphrase, self._salt), daemon=True).start()

    @property
    def salt(self) -> str:
        """`v1:<salt>:<sealed check word>`, as it stands in the state and in `encryptionsalt`."""
        if self._state is None:
            self._state = f"v1:{base64.b64encode(self._salt).decode()}:{self.seal(CHECK)}"
        return self._state

    def _cipher(self) -> AESGCM:
        with self._lock:
            if self._aead is None:
                aead = AESGCM(_key(self._passphrase, self._salt))
                if self._state is not None:
                    _verify(aead, self._state.split(":", 2)[2])
                self._aead = aead
            return self._aead

    def seal(self, text: str) -> str:
        """`v1:<nonce>:<ciphertext>`."""
        nonce = os.urandom(12)
        sealed = self._cipher().encrypt(nonce, text.encode(), None)
        return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            PassphraseError: the passphrase is not the one it was sealed with.
        """
        return _open(self._cipher(), sealed)


def _open(aead: AESGCM, sealed: str) -> str:
    version, nonce, text = sealed.split(":")
    if version != "v1":
        raise PassphraseError(f"unknown version {version!r} of an encrypted value")
    try:
        return aead.decrypt(base64.b64decode(nonce), base64.b64decode(text), None).decode()
    except InvalidTag as error:
        raise PassphraseError("incorrect passphrase (PULUMI_CONFIG_PASSPHRASE) for this stack") from error


def _verify(aead: AESGCM, sealed: str) -> None:
    if _open(aead, sealed) != CHECK:
        raise PassphraseError("incorrect passphrase (PULUMI_CONFIG_PASSPHRASE) for this stack")
