"""The file that a backup is: a line that says so, a line of JSON that says what is in it, the contents (a tar,
compressed), and a checksum.

::

    netweft-backup 1
    {"created": ..., "database": "sqlite", "encryption": null, "program": ..., "revision": ...}
    the contents, as they are or encrypted
    SHA-256 of all octets before (32 octets)

Encrypted contents are pieces of 64 KiB, the last one shorter, each sealed by AES-256-GCM (16 octets longer then) with
a key that scrypt makes of the passphrase. A piece's nonce is a random prefix of 7 octets, its number in 4 and in 1
whether it is the last, so that none can be left out, repeated or moved; the two lines before are sealed with each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = "netweft-backup"
FORMAT = 1
"""The version of the format that is written, and the latest that is read."""
PIECE = 64 * 1024
_TAG = 16
_CHECKSUM = hashlib.sha256().digest_size
_LINE_MAX = 16 * 1024
_COST = 2**17
"""scrypt's n with r = 8, p = 1: 128 MiB of memory and a third of a second for each guess."""
_COST_MAX = 2**20
"""What a file may ask of whoever reads it: 1 GiB."""

Progress = Callable[[str, float], None]
"""Receives what is being done, and which part of it is done (0 to 1)."""


class BackupError(Exception):
    """There can be no backup, or nothing can be restored; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What can be read of a backup without its passphrase. ``created``: RFC 3339; ``database``: ``sqlite`` or
    ``postgresql``; ``revision``: of its tables; ``program``: the version that made it.
    """

    created: str
    database: str
    revision: str
    program: str
    encryption: dict[str, Any] | None = None


class Writer:
    """Takes the contents (``write``), and is closed to complete the file. ``passphrase``: empty for no encryption."""

    def __init__(self, file: IO[bytes], header: Header, passphrase: str = "") -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._seal: _Seal | None = None
        self._left = b""
        fields = asdict(header)
        if passphrase:
            fields["encryption"] = _new_encryption()
        lines = f"{MAGIC} {FORMAT}\n{json.dumps(fields, sort_keys=True)}\n".encode()
        if passphrase:
            self._seal = _Seal(fields["encryption"], passphrase, lines)
        self._put(lines)

    def write(self, content: bytes) -> int:
        """Add to the contents."""
        if self._seal is None:
            self._put(content)
        else:
            self._left += content
            while len(self._left) > PIECE:  # the last piece is known as such only at the end
                piece, self._left = self._left[:PIECE], self._left[PIECE:]
                self._put(self._seal.close(piece, is_last=False))
        return len(content)

    def close(self) -> None:
        """Write the end."""
        if self._seal is not None:
            self._put(self._seal.close(self._left, is_last=True))
        self._file.write(self._digest.digest())

    def _put(self, content: bytes) -> None:
        self._digest.update(content)
        self._file.write(content)


class Reader:
    """An archive that is checked before anything in it is believed. ``read`` gives the contents.

    Raises BackupError when it is no backup, damaged, of a newer version, or the passphrase is another.
    """

    def __init__(self, path: Path, file: IO[bytes], passphrase: str, progress: Progress) -> None:
        self._file = file
        self._path = path
        lines = self._lines()
        self._end = path.stat().st_size - _CHECKSUM
        self._check(progress)
        self.header = _header(path, lines)
        file.seek(len(lines))
        self._pieces = self._opened(lines, passphrase)
        self._left = next(self._pieces, b"")  # so that a wrong passphrase is reported at once

    def read(self, size: int = -1) -> bytes:
        """So many octets of the contents, or fewer at their end."""
        while (size < 0 or len(self._left) < size) and (piece := next(self._pieces, b"")):
            self._left += piece
        size = len(self._left) if size < 0 else size
        found, self._left = self._left[:size], self._left[size:]
        return found

    def _lines(self) -> bytes:
        first = self._file.readline(_LINE_MAX)
        name, _, version = first.decode("ascii", "replace").strip().partition(" ")
        if name != MAGIC or not version.isdecimal():
            raise BackupError(f"{self._path} is no backup of Netweft.")
        if int(version) > FORMAT:
            raise BackupError(
                f"{self._path} is a backup of format {version}, which this version cannot read: restore it with the"
                " version of Netweft that made it, or a newer one."
            )
        return first + self._file.readline(_LINE_MAX)

    def _check(self, progress: Progress) -> None:
        """Compare the checksum."""
        self._file.seek(0)
        digest, done = hashlib.sha256(), 0
        while done < self._end and (part := self._file.read(min(1024 * 1024, self._end - done))):
            digest.update(part)
            done += len(part)
            progress("checking", done / self._end)
        if digest.digest() != self._file.read():
            raise BackupError(
                f"{self._path} is damaged or incomplete: its checksum differs. Copy it again, or use another backup."
            )

    def _opened(self, lines: bytes, passphrase: str) -> Iterator[bytes]:
        encryption = self.header.encryption
        if encryption is None:
            if passphrase:
                raise BackupError(f"{self._path} is not encrypted: leave out --passphrase-file.")
            while piece := self._sealed(PIECE):
                yield piece
            return
        if not passphrase:
            raise BackupError(f"{self._path} is encrypted: give --passphrase-file.")
        seal = _Seal(encryption, passphrase, lines)
        while sealed := self._sealed(PIECE + _TAG):
            try:
                yield seal.open(sealed, is_last=self._file.tell() >= self._end)
            except InvalidTag as error:
                raise BackupError(f"The passphrase is not the one that {self._path} was made with.") from error

    def _sealed(self, size: int) -> bytes:
        return self._file.read(max(min(size, self._end - self._file.tell()), 0))


class _Seal:
    """Seals pieces, or opens them, in their order."""

    def __init__(self, encryption: dict[str, Any], passphrase: str, lines: bytes) -> None:
        cost = encryption["n"]
        if encryption["scheme"] != "scrypt-aes256gcm" or not 1 < cost <= _COST_MAX:
            raise BackupError("The backup is encrypted by a method that this version cannot read.")
        kdf = Scrypt(salt=base64.b64decode(encryption["salt"]), length=32, n=cost, r=8, p=1)
        self._cipher = AESGCM(kdf.derive(passphrase.encode()))
        self._prefix = base64.b64decode(encryption["nonce"])
        self._lines = lines
        self._number = 0

    def close(self, piece: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(is_last=is_last), piece, self._lines)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        """Raises InvalidTag."""
        return self._cipher.decrypt(self._nonce(is_last=is_last), sealed, self._lines)

    def _nonce(self, *, is_last: bool) -> bytes:
        self._number += 1
        return self._prefix + struct.pack(">I?", self._number, is_last)


def _new_encryption() -> dict[str, Any]:
    return {
        "scheme": "scrypt-aes256gcm",
        "salt": base64.b64encode(secrets.token_bytes(16)).decode(),
        "n": _COST,
        "nonce": base64.b64encode(secrets.token_bytes(7)).decode(),
    }


def _header(path: Path, lines: bytes) -> Header:
    try:
        return Header(**json.loads(lines.splitlines()[1]))
    except (ValueError, TypeError, IndexError) as error:
        raise BackupError(f"{path} has no table of contents: it was not made by netweft backup.") from error
