"""The program itself: what goes wrong, help, completion, and the stream of events."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest
from click.testing import CliRunner

from cli.conftest import TIMEOUT, Netweft
from engine_process import PASSWORD, EngineProcess, free_port
from netweft.cli.main import cli
from processes import running


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


@pytest.mark.parametrize("words", [("network", "list"), ("--help",)])
def test_output_that_cannot_be_written_is_an_error_of_one_line(netweft: Netweft, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "netweft", *words]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, env=netweft.environment({}), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "Error: No space left on device.\n")


@pytest.mark.parametrize(
    ("words", "one"),
    [
        (("network", "show", ""), "a network"),
        (("cluster", "attach", "Default", ""), "a network"),
        (("vm", "nic", "show", "", "nic1"), "a virtual machine"),
        (("network", "set", "ovirtmgmt", "--qos", ""), "a QoS"),
    ],
)
def test_an_empty_name_is_called_empty(netweft: Netweft, words: tuple[str, ...], one: str) -> None:
    assert f"Give the name or the id of {one}: it is empty." in netweft(*words, expect=2).err


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


CONTINUED = " \\\n"
"""The end of a line of an example that goes on in the next."""
WIDTH = 80
COMMANDS = {" ".join(words): command for words, command in leaves(cli)}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    command = COMMANDS[name]
    shown = CliRunner().invoke(cli, [*name.split(), "--help"], env={"COLUMNS": str(WIDTH)})
    assert shown.exit_code == 0
    assert command.help
    assert f"netweft {name}" in command.help, "with an example"
    assert "\\" not in command.help.replace(CONTINUED, ""), "without marks of the source"
    assert max(map(len, shown.output.splitlines())) <= WIDTH
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, param.name


@pytest.mark.parametrize("words", sorted({name.rpartition(" ")[0] for name in COMMANDS}))
def test_help_of_groups_fits_a_terminal(words: str) -> None:
    shown = CliRunner().invoke(cli, [*words.split(), "--help"], env={"COLUMNS": str(WIDTH)})
    assert max(map(len, shown.output.splitlines())) <= WIDTH


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"plan"}))  # whose example is another command
def test_every_option_in_an_example_exists_for_its_verb(name: str) -> None:
    command = COMMANDS[name]
    lines = (command.help or "").replace(CONTINUED, " ").splitlines()
    example = next(line for line in lines if f"netweft {name}" in line)
    given = {word for word in shlex.split(example.partition("netweft ")[2]) if word.startswith("--")}
    options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert given <= options
    if name.endswith(" set"):
        assert given, "an example of a change changes something"


def test_what_cannot_be_changed_is_not_offered(netweft: Netweft) -> None:
    for words in (("profile", "set", "ovirtmgmt", "--network"), ("network", "set", "ovirtmgmt", "--datacenter")):
        assert f"No such option '{words[-1]}'" in netweft(*words, "ovirtmgmt", expect=2).err


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("subnet add ovirtmgmt s4", "--cidr"),
        ("configuration-provider add ucs --address foo", "--login"),
        ("provider add neutron", "--address"),
        ("profile add x", "--network"),
        ("host add zz", "--address"),
        ("macpool add x", "--range"),
        ("vm filter-parameter add web nic1 IP", "--value"),
    ],
)
def test_what_add_needs_is_named_as_its_option(netweft: Netweft, words: str, option: str) -> None:
    assert f"Missing option '{option}'." in netweft(*words.split(), expect=2).err


def test_completion(netweft: Netweft) -> None:
    def complete(line: str) -> list[str]:
        done = netweft(_NETWEFT_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1))
        return [word.partition(",")[2] for word in done.out.splitlines()]

    assert complete("netweft ne") == ["network"]
    assert "setup-networks" in complete("netweft host ")
    assert complete("netweft host setup-networks --pl") == ["--plan"]
    assert complete("netweft permission grant net") == ["network"]
    assert "complete " in netweft(_NETWEFT_COMPLETE="bash_source").out
    assert complete("netweft host show sim-") == ["sim-1", "sim-2", "sim-3"]
    assert complete("netweft host nic show sim-1 eth") == ["eth0", "eth1", "eth2", "eth3"]
    assert complete("netweft vm nic add web nic1 --profile ovirt") == ["ovirtmgmt"]
    assert complete("netweft permission grant cluster Def") == ["Default"]
    assert complete("netweft cluster attach Default ovirt") == ["ovirtmgmt"]
    assert complete("netweft host show --url http://127.0.0.1:1 sim-") in ([], [""]), "nobody can be asked"


def test_events_are_followed(netweft: Netweft) -> None:
    last = netweft.json("event", "list")[0]["id"]
    netweft("datacenter", "add", "told")
    words = [sys.executable, "-m", "netweft", "event", "follow", "--after", last, "-o", "json"]
    with running(words, env=netweft.environment({}), stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        line = next(line for line in following.stdout if "told" in line)
        following.terminate()
        following.wait(timeout=TIMEOUT)
    assert '"code": 950' in line
    netweft("datacenter", "remove", "told")


def test_options_stand_anywhere(netweft: Netweft) -> None:
    url = netweft.engine.url
    listed = netweft("host", "list", "-o", "json").out
    for words in (
        ("-o", "json", "host", "list", "--url", url),
        ("host", "-o", "json", "--url", url, "list"),
        ("host", "list", "--user", "admin@internal", "-o", "json", "--url", url),
        ("--url", "http://127.0.0.1:1", "host", "list", "--url", url, "-o", "json"),
    ):
        assert netweft(*words, NETWEFT_URL="").out == listed
    assert "admin@internal" in netweft("permission", "list", "system", "--user", "admin@internal").out


def test_options_of_another_program_are_left_to_it() -> None:
    options = {option for param in COMMANDS["lab exec"].params for option in param.opts}
    assert options == {"host", "command", "--folder"}


def test_a_stale_variable_stops_only_what_uses_it(netweft: Netweft, tmp_path: Path) -> None:
    stale = {
        "NETWEFT_URL": "nonsense",
        "NETWEFT_CA": str(tmp_path),
        "NETWEFT_PASSWORD_FILE": str(tmp_path / "absent"),
        "NETWEFT_FILTER": "perhaps",
    }
    for words in (("--help",), ("host", "--help"), ("host", "list", "--help"), ("lab", "hosts", "--help")):
        assert "Usage" in netweft(*words, **stale).out
    netweft("host", "list", NETWEFT_PASSWORD_FILE=stale["NETWEFT_PASSWORD_FILE"])
    netweft("host", "list", "--url", netweft.engine.url, NETWEFT_URL="nonsense")
    assert "NETWEFT_FILTER" in netweft("host", "list", NETWEFT_FILTER="perhaps", expect=2).err
    assert "--ca" in netweft("host", "list", NETWEFT_CA=str(tmp_path), expect=2).err


def test_the_option_for_the_password_wins_over_the_variable(netweft: Netweft, tmp_path: Path) -> None:
    good, wrong = tmp_path / "good", tmp_path / "wrong"
    good.write_text(f"{PASSWORD}\n")
    wrong.write_text("wrong\n")
    netweft("network", "list", "--password-file", str(good), NETWEFT_PASSWORD="wrong")
    netweft("network", "list", "--password-file", str(good), NETWEFT_PASSWORD_FILE=str(wrong))
    netweft("network", "list", NETWEFT_PASSWORD_FILE=str(wrong))
    netweft("network", "list", "--password-file", str(wrong), expect=4)
    absent = netweft("network", "list", "--password-file", str(tmp_path / "absent"), expect=2).err
    assert "absent cannot be read" in absent


def test_removal_is_asked_for_at_a_terminal(netweft: Netweft) -> None:
    remove = ("datacenter", "remove", "doomed")
    netweft("datacenter", "add", "doomed")
    assert netweft.at_terminal("n\n", *remove).code == 1
    netweft("datacenter", "show", "doomed")
    assert netweft.at_terminal("y\n", *remove).code == 0
    netweft("datacenter", "add", "doomed")
    assert netweft.at_terminal("", *remove, "--yes").code == 0
    netweft("datacenter", "show", "doomed", expect=3)


class _Busy(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_error(503)

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for its failures."""


def test_an_engine_that_is_too_busy_counts_as_one_that_cannot_be_reached(netweft: Netweft) -> None:
    with HTTPServer(("127.0.0.1", 0), _Busy) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            told = netweft("host", "list", NETWEFT_URL=f"http://127.0.0.1:{server.server_port}", expect=5).err
        finally:
            server.shutdown()
            thread.join()
    assert "HTTP 503" in told


def test_events_say_who_did_what(netweft: Netweft) -> None:
    last = netweft.json("event", "list")[0]["id"]
    netweft("datacenter", "add", "seen")
    assert "admin@internal" in netweft("event", "list", "--max", "1").out
    words = [sys.executable, "-m", "netweft", "event", "follow", "--after", last]
    with running(words, env=netweft.environment({}), stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert following.stdout.readline().split() == ["TIME", "SEVERITY", "WHO", "WHAT"]
        line = next(line for line in following.stdout if "seen" in line)
        following.terminate()
        following.wait(timeout=TIMEOUT)
    assert line.split()[2:4] == ["normal", "admin@internal"]
    netweft("datacenter", "remove", "seen")
