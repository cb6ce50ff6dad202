"""Secrets at rest: what the database holds of passwords and private keys can be read only with the key file beside
it.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

KEY_FILE = "secret.key"


class SecretError(Exception):
    """A stored secret cannot be read with this key file."""


class SecretBox:
    """Encrypts and decrypts short texts (AES-128-CBC with HMAC-SHA256, the Fernet format)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def encrypt(self, text: str) -> str:
        """The text as it may be stored."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """The text that was stored; raises SecretError with another key file than it was stored with."""
        try:
            return self._fernet.decrypt(stored.encode()).decode()
        except InvalidToken as error:
            raise SecretError(
                f"A stored secret cannot be decrypted: {KEY_FILE} is not the one that this database was made with."
            ) from error


def open_box(folder: Path) -> SecretBox:
    """The box of a data folder; its key file is made at the first time. Replicas of one engine need the same file.

    Raises SecretError, OSError.
    """
    path = folder / KEY_FILE
    try:
        write_private(path, Fernet.generate_key())
    except FileExistsError:
        path.chmod(0o600)
    return read_box(folder)


def read_box(folder: Path) -> SecretBox:
    """The box of a data folder that has its key file. Raises SecretError, OSError."""
    path = folder / KEY_FILE
    try:
        return SecretBox(path.read_bytes().strip())
    except FileNotFoundError as error:
        raise SecretError(f"There is no {KEY_FILE} in {folder}: no engine has ever run with this folder.") from error
    except ValueError as error:
        raise SecretError(
            f"{path} is damaged: it is no key. Put the right one in its place, from a backup (netweft restore) or from"
            " another engine on the same database; without it every host has to join again."
        ) from error


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, complete or not at all; raises FileExistsError when there is
    one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename it refuses when another process was faster
    finally:
        draft.unlink()
