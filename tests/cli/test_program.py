"""The program itself: what goes wrong, help, completion, and the stream of events."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.conftest import TIMEOUT, Netweft
from engine_process import EngineProcess, free_port
from netweft.cli.main import cli


def test_what_goes_wrong_has_a_number(netweft: Netweft, tmp_path: Path) -> None:
    assert "There is no host nowhere" in netweft("host", "show", "nowhere", expect=3).err
    assert "is wrong" in netweft("host", "list", NETWEFT_PASSWORD="wrong", expect=4).err
    assert "No password" in netweft("host", "list", NETWEFT_PASSWORD="", expect=2).err
    refusal = netweft("datacenter", "add", "Default", expect=1).err
    assert "already" in refusal
    assert "Code: ACTION_TYPE_FAILED_NAME_ALREADY_USED" in refusal
    assert "No such command" in netweft("host", "fly", expect=2).err
    assert "Nothing to change" in netweft("host", "set", "sim-1", expect=2).err
    nobody = f"https://127.0.0.1:{free_port('127.0.0.1')}"
    assert "did not answer" in netweft("host", "list", NETWEFT_URL=nobody, expect=5).err
    assert "not the URL" in netweft("host", "list", NETWEFT_URL="127.0.0.1:8443", expect=2).err
    garbage = tmp_path / "ca.pem"
    garbage.write_text("no certificate")
    assert "PEM" in netweft("host", "list", NETWEFT_CA=str(garbage), expect=2).err
    assert "--ca" in netweft("host", "list", NETWEFT_CA="", expect=5).err


def test_what_went_wrong_is_told_also_when_the_engine_has_ended_meanwhile(tmp_path: Path) -> None:
    def fail(engine: EngineProcess) -> None:
        with engine.client() as client:
            client.list("hosts")
            engine.kill()
            raise LookupError

    with EngineProcess(tmp_path) as engine, pytest.raises(LookupError):
        fail(engine)


def test_errors_are_no_output(netweft: Netweft) -> None:
    assert netweft("host", "show", "nowhere", expect=3).out == ""


def leaves(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = {" ".join(words): command for words, command in leaves(cli)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    command = COMMANDS[name]
    shown = CliRunner().invoke(cli, [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, param.name


def test_completion(netweft: Netweft) -> None:
    def complete(line: str) -> list[str]:
        done = netweft(_NETWEFT_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1))
        return [word.partition(",")[2] for word in done.out.splitlines()]

    assert complete("netweft ne") == ["network"]
    assert "setup-networks" in complete("netweft host ")
    assert complete("netweft host setup-networks --pl") == ["--plan"]
    assert complete("netweft permission grant net") == ["network"]
    assert "complete " in netweft(_NETWEFT_COMPLETE="bash_source").out


def test_events_are_followed(netweft: Netweft) -> None:
    last = netweft.json("event", "list")[0]["id"]
    netweft("datacenter", "add", "told")
    words = [sys.executable, "-m", "netweft", "event", "follow", "--after", last, "-o", "json"]
    with subprocess.Popen(words, env=netweft.environment({}), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        line = next(line for line in following.stdout if "told" in line)
        following.terminate()
        following.wait(timeout=TIMEOUT)
    assert '"code": 950' in line
    netweft("datacenter", "remove", "told")
