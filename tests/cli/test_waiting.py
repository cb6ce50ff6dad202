"""``netweft wait``: until the engine answers, and until hosts are up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cli.conftest import TIMEOUT, Netweft
from engine_process import EngineProcess, free_port
from processes import running


def test_an_engine_and_its_hosts_are_waited_for(netweft: Netweft) -> None:
    assert netweft("wait").err == ""
    netweft("wait", "sim-1", "sim-2", "sim-3", "--timeout", "60")
    assert netweft("wait", NETWEFT_PASSWORD="").err == ""
    assert "No password" in netweft("wait", "sim-1", NETWEFT_PASSWORD="", expect=2).err
    assert "is wrong" in netweft("wait", "sim-1", NETWEFT_PASSWORD="wrong", expect=4).err


def test_what_does_not_come_is_named(netweft: Netweft, tmp_path: Path) -> None:
    nobody = f"https://127.0.0.1:{free_port('127.0.0.1')}"
    assert "Error: " + nobody in netweft("wait", "--timeout", "0.5", NETWEFT_URL=nobody, expect=5).err
    absent = str(tmp_path / "ca.pem")
    assert f"Error: there is no file {absent}" in netweft("wait", "--timeout", "0", NETWEFT_CA=absent, expect=5).err
    garbage = tmp_path / "garbage"
    garbage.write_text("no certificate")
    told = netweft("wait", "--timeout", "0", NETWEFT_CA=str(garbage), expect=5).err
    assert f"Error: {garbage} holds no certificate in PEM form" in told
    for endless in ("nan", "inf"):
        assert "give a number of seconds" in netweft("wait", "--timeout", endless, expect=2).err
    assert "no host nowhere" in netweft("wait", "nowhere", "--timeout", "0.5", expect=1).err
    netweft("host", "add", "afar", "--address", "192.0.2.9", "--cluster", "Default")
    waited = netweft("wait", "afar", "--timeout", "1", expect=1).err
    assert waited.count("Waiting: host afar is installing") == 1
    assert "Error: host afar is installing" in waited
    netweft("host", "remove", "afar")


def test_files_of_an_engine_that_starts_are_waited_for(tmp_path: Path, netweft: Netweft) -> None:
    engine = EngineProcess(tmp_path / "engine", options=("--simulated-hosts", "1"))
    environment = netweft.environment({"NETWEFT_URL": engine.url, "NETWEFT_CA": str(engine.ca)})
    words = [sys.executable, "-m", "netweft", "wait", "sim-1", "--timeout", str(TIMEOUT)]
    with running(words, env=environment, stderr=subprocess.PIPE) as waiting:
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == f"Waiting: there is no file {engine.ca}\n"
        with engine:
            assert waiting.wait(timeout=TIMEOUT) == 0


def test_files_that_are_not_there_are_named(netweft: Netweft, tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    assert f"--ca: {absent} cannot be read" in netweft("host", "list", NETWEFT_CA=absent, expect=2).err
    told = netweft("--password-file", absent, "host", "list", NETWEFT_PASSWORD="", expect=2).err
    assert f"--password-file: {absent} cannot be read" in told
