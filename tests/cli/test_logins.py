"""The login that commands share: made once, for one user's eyes only, ended by ``netweft logout``."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netweft
from engine_process import PASSWORD
from netweft.client.kept_token import KeptToken

TOKEN = "5a" * 32
URL = "https://192.0.2.1:8443"


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[str]:
    before = os.umask(0)
    yield str(tmp_path / "cache")
    os.umask(before)


def logins(netweft: Netweft) -> int:
    return len(netweft.json("event", "list", "--logins", "--search", "code=30", "--max", "1000"))


def test_commands_log_in_once(netweft: Netweft, cache: str) -> None:
    before = logins(netweft)
    for _ in range(3):
        netweft("network", "list", XDG_CACHE_HOME=cache)
    assert logins(netweft) == before + 1


def test_nobody_else_can_read_what_is_kept(netweft: Netweft, cache: str) -> None:
    netweft("network", "list", XDG_CACHE_HOME=cache)
    folder = Path(cache) / "netweft"
    (file,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    assert PASSWORD.encode() not in file.read_bytes()


def test_another_password_does_not_take_the_login_over(netweft: Netweft, cache: str) -> None:
    netweft("network", "list", XDG_CACHE_HOME=cache)
    netweft("network", "list", NETWEFT_PASSWORD="wrong", XDG_CACHE_HOME=cache, expect=4)


def test_logout_ends_it_here_and_at_the_engine(netweft: Netweft, cache: str) -> None:
    netweft("network", "list", XDG_CACHE_HOME=cache)
    (file,) = (Path(cache) / "netweft").iterdir()
    held = file.read_bytes()
    assert "is logged out" in netweft("logout", XDG_CACHE_HOME=cache).err
    assert not file.exists()
    assert "No login is kept" in netweft("logout", XDG_CACHE_HOME=cache).err
    file.write_bytes(held)
    file.chmod(0o600)
    before = logins(netweft)
    netweft("network", "list", XDG_CACHE_HOME=cache)
    assert logins(netweft) == before + 1, "the engine refuses the token of before, and the command logs in anew"
    assert "is logged out" in netweft("logout", NETWEFT_PASSWORD="", XDG_CACHE_HOME=cache).err
    assert not file.exists()


def test_without_a_place_to_keep_it_each_command_logs_in(netweft: Netweft, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    before = logins(netweft)
    for _ in range(2):
        netweft("network", "list", XDG_CACHE_HOME=str(blocked))
    assert logins(netweft) == before + 2


def test_a_folder_in_the_place_of_the_file_is_left_alone(netweft: Netweft, cache: str) -> None:
    netweft("network", "list", XDG_CACHE_HOME=cache)
    (file,) = (Path(cache) / "netweft").iterdir()
    file.unlink()
    file.mkdir(mode=0o700)
    netweft("network", "list", XDG_CACHE_HOME=cache)
    assert "No login is kept" in netweft("logout", XDG_CACHE_HOME=cache).err
    assert file.is_dir()


def test_a_file_that_others_could_have_written_is_not_believed(tmp_path: Path) -> None:
    kept = KeptToken(tmp_path, URL, "ann@internal", "secret")
    assert kept.write(TOKEN)
    assert kept.read() == TOKEN
    (file,) = tmp_path.iterdir()
    for mode in (0o640, 0o604, 0o622):
        file.chmod(mode)
        assert kept.read() == ""
    file.chmod(0o600)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert kept.read() == "", "no link is followed"


def test_what_is_kept_is_of_one_user_at_one_engine_with_one_password(tmp_path: Path) -> None:
    assert KeptToken(tmp_path, URL, "ann@internal", "secret").write(TOKEN)
    assert KeptToken(tmp_path, URL, "bob@internal", "secret").read() == ""
    assert KeptToken(tmp_path, "https://192.0.2.2:8443", "ann@internal", "secret").read() == ""
    assert KeptToken(tmp_path, URL, "ann@internal", "other").read() not in {"", TOKEN}


def test_what_is_no_token_of_random_bits_is_not_kept(tmp_path: Path) -> None:
    kept = KeptToken(tmp_path / "folder", URL, "ann@internal", "secret")
    for token in ("a.b.c", "5a" * 16, ""):
        assert not kept.write(token)
    assert not (tmp_path / "folder").exists()
