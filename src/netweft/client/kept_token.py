"""The token of a login, kept in a file between one command and the next.

The file is useless without the password: it holds the token xor an HMAC of a salt under the password. As a
token is random bits, a guess of the password can be verified only by the engine, which refuses the token that a wrong
password gives.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from pathlib import Path

_BYTES = 32
"""Octets of a token, and of a salt."""


class KeptToken:
    """The place of one user's token at one engine. ``folder`` is made when a token is kept, for its owner only."""

    def __init__(self, folder: Path, url: str, user: str, password: str) -> None:
        self._file = folder / hashlib.sha256(f"{url}\n{user}".encode()).hexdigest()
        self._password = password.encode()

    def read(self) -> str:
        """The token, ``""`` when there is none, or when others could have read or written the file."""
        try:
            descriptor = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:  # there is none, or none of ours: the user logs in
            return ""
        try:
            status = os.fstat(descriptor)
            is_private = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
            content = os.read(descriptor, 2 * _BYTES + 1) if is_private and stat.S_ISREG(status.st_mode) else b""
        finally:
            os.close(descriptor)
        if len(content) != 2 * _BYTES:
            return ""
        return self._masked(content[_BYTES:], content[:_BYTES]).hex()

    def write(self, token: str) -> bool:
        """Keep a token; False where that is not possible: the token is no 256 bits in hexadecimal digits, or there is
        no place to which only this user can write.
        """
        try:
            plain = bytes.fromhex(token)
        except ValueError:
            return False
        if len(plain) != _BYTES:
            return False
        salt = os.urandom(_BYTES)
        beside = self._file.with_suffix(f".{os.urandom(8).hex()}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(salt + self._masked(plain, salt))
            beside.replace(self._file)
        except OSError:
            return False
        return True

    def forget(self) -> bool:
        """Remove the file; whether there was one."""
        try:
            self._file.unlink()
        except (FileNotFoundError, IsADirectoryError):
            return False
        return True

    def _masked(self, octets: bytes, salt: bytes) -> bytes:
        mask = hmac.digest(self._password, salt, "sha256")
        return bytes(one ^ other for one, other in zip(octets, mask, strict=True))


def token_folder() -> Path | None:
    """The folder of the user's tokens (XDG cache directory: it may be removed at any time); None without a home."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (named if named.is_absolute() else Path.home() / ".cache") / "netweft"
    except RuntimeError:
        return None
