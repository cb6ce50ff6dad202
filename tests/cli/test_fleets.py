"""``netweft export``, ``plan -f`` and ``apply -f``: an engine of its own, as a file is about the whole fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given

from cli.conftest import Netweft
from core.strategies import sources
from engine_process import EngineProcess
from fleet_files import add_random
from netweft.cli import nouns
from netweft.cli.fleet_requests import OPTIONS
from netweft.core.fleet.nouns import BY_NAME
from properties import examples

ROOT = Path(__file__).parents[2]
FLEETS = 7
"""How many random fleets one engine is made to be, one after the other."""


@pytest.fixture(scope="module")
def netweft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Netweft]:
    with EngineProcess(tmp_path_factory.mktemp("fleet"), options=("--simulated-hosts", "3")) as engine:
        program = Netweft(engine)
        program("wait", "sim-1", "sim-2", "sim-3")
        yield program


@pytest.fixture(scope="module")
def begun(netweft: Netweft) -> str:
    """The file of the engine as it began."""
    return netweft("export").out


@pytest.fixture
def file(tmp_path: Path, netweft: Netweft, begun: str) -> Iterator[Path]:
    """A file for a test, after which the fleet is as it began."""
    path = tmp_path / "fleet.yaml"
    yield path
    path.write_text(begun)
    netweft("apply", "-f", str(path), "--prune")
    assert netweft("export").out == begun


def test_of_what_is_exported_nothing_is_to_be_done(netweft: Netweft, file: Path, begun: str) -> None:
    file.write_text(begun)
    assert netweft.json("plan", "-f", str(file), "--prune") == {"changes": []}
    assert "Nothing to do." in netweft("apply", "-f", str(file), "--prune").err
    assert yaml.safe_load(begun) == netweft.json("export")


def test_any_fleet_that_is_applied_is_exported_again(netweft: Netweft, file: Path, begun: str) -> None:
    @examples(FLEETS)
    @given(sources)
    def fleets(random: Random) -> None:
        file.write_text(begun)
        netweft("apply", "-f", str(file), "--prune")
        desired = add_random(yaml.safe_load(begun), random)
        file.write_text(json.dumps(desired))
        told = netweft("apply", "-f", str(file), "--prune")
        assert netweft.json("export") == desired, told.err
        assert netweft.json("plan", "-f", str(file), "--prune") == {"changes": []}

    fleets()


def test_a_profile_is_changed_that_others_fall_back_to(netweft: Netweft, file: Path) -> None:
    failover = "{network: blue, profile: gold}"
    function = f"{{pass_through: enabled, migratable: true, network_filter: null, failover: {failover}}}"
    for description in ("one", "two"):
        profiles = f"{{gold: {{description: {description}}}, function: {function}}}"
        file.write_text(f"data_centers: {{Default: {{networks: {{blue: {{profiles: {profiles}}}}}}}}}")
        netweft("apply", "-f", str(file))
        assert netweft.json("plan", "-f", str(file)) == {"changes": []}

    def profiles_of_blue() -> Any:
        return netweft.json("export")["data_centers"]["Default"]["networks"]["blue"]["profiles"]

    found = profiles_of_blue()
    assert found["gold"]["description"] == "two"
    assert found["function"]["failover"] == {"network": "blue", "profile": "gold"}
    file.write_text("data_centers: {Default: {networks: {blue: {profiles: {gold: {description: three}}}}}}")
    planned = netweft.json("plan", "-f", str(file))["changes"]
    assert [one["name"] for one in planned] == [f"Default/blue/{one}" for one in ("function", "gold", "function")]
    netweft("apply", "-f", str(file))
    assert profiles_of_blue() == {**found, "gold": {**found["gold"], "description": "three"}}


def test_a_part_changes_only_what_it_names(netweft: Netweft, file: Path, begun: str) -> None:
    file.write_text("data_centers: {Default: {networks: {blue: {vlan: 7, description: here}}}}")
    assert [one["name"] for one in netweft.json("plan", "-f", str(file))["changes"]] == ["Default/blue"]
    netweft("apply", "-f", str(file))
    file.write_text("data_centers: {Default: {networks: {blue: {vlan: null}}}}")
    (change,) = netweft.json("plan", "-f", str(file))["changes"]
    assert change["differences"] == [{"field": "vlan", "before": 7, "after": None}]
    told = netweft("plan", "-f", str(file)).rows
    assert told[1] == ["change", "network", "Default/blue", "vlan", "7"]
    netweft("apply", "-f", str(file))
    desired = yaml.safe_load(begun)
    found = netweft.json("export")
    blue = found["data_centers"]["Default"]["networks"].pop("blue")
    assert (found, blue["description"], blue["vlan"]) == (desired, "here", None)
    assert [*blue["profiles"]] == ["blue"], "as with any new network"


def test_it_is_a_command_that_can_be_planned(netweft: Netweft, file: Path) -> None:
    file.write_text("data_centers: {Default: {networks: {blue: {}}}}")
    assert "0 of 0 hosts would change" in netweft("plan", "apply", "-f", str(file)).err
    assert len(netweft.json("apply", "-f", str(file))["changes"]) == 1
    assert netweft.json("plan", "-f", str(file)) == {"changes": []}


def test_labels_of_networks_come_change_and_go(netweft: Netweft, file: Path) -> None:
    for label in ("red", "green", "null"):
        file.write_text(f"data_centers: {{Default: {{networks: {{blue: {{label: {label}}}}}}}}}")
        netweft("apply", "-f", str(file))
        assert netweft.json("plan", "-f", str(file)) == {"changes": []}


def test_all_mistakes_are_told_with_their_places_and_nothing_is_done(netweft: Netweft, file: Path, begun: str) -> None:
    for text, lines in (
        ("hosts: {a: [}", [":1:13: This is not YAML: "]),
        ("hosts:\n  a: {}\n  a: {}\n", [":3:3: 'a' is given twice."]),
        ("data_centers:\n  new: {}\nhots: {}\n", [":3:1: There is no key 'hots' here. Did you mean 'hosts'?"]),
        (
            "data_centers:\n  new: {networks: {a: {vlan: 5000}}}\nhosts:\n  sim-9: {cluster: Defualt}\n",
            [":2:24: '5000' is no number from 0 to 4094."],
        ),
        (
            "data_centers:\n  new: {}\nhosts:\n  sim-9:\n    cluster: Defualt\n",
            [
                ":4:3: There is no host sim-9 yet, and 'address' is needed to add it.",
                ":5:5: There is no cluster Defualt.",
            ],
        ),
    ):
        file.write_text(text)
        for words in (("plan",), ("apply", "--yes")):
            told = netweft(*words, "-f", str(file), expect=2).err.splitlines()
            assert len(told) == len(lines) + 1
            for line, desired in zip(told, lines, strict=False):
                assert line.startswith(f"{file}{desired}"), line
            assert told[-1].endswith("nothing was done.")
    file.write_bytes(b"\xff\xfe")
    assert f"{file}:1:1: This is no text in UTF-8: 0xff." in netweft("plan", "-f", str(file), expect=2).err
    assert netweft("export").out == begun


def test_it_stops_at_the_first_failure_and_goes_on_when_applied_again(netweft: Netweft, file: Path) -> None:
    """Two networks without a VLAN do not fit on one NIC, which only the engine knows."""
    desired = """
        data_centers: {Default: {networks: {one: {}, two: {VLAN}, three: {vlan: 3}}}}
        clusters: {Default: {networks: {one: {required: false}, two: {required: false}}}}
        hosts:
          sim-1: {attachments: {one: {nic: eth1}, two: {nic: eth1}}}
          sim-2: {attachments: {one: {nic: eth1}}}
    """
    file.write_text(desired.replace("VLAN", ""))
    told = netweft("apply", "-f", str(file), expect=1).err
    assert "This failed: change host networks sim-1. Done before it: 5. Not done:" in told
    assert "  change host networks sim-2" in told
    assert "Code: " in told
    left = [one["name"] for one in netweft.json("plan", "-f", str(file))["changes"]]
    assert left == ["sim-1", "sim-2"]
    file.write_text(desired.replace("VLAN", "vlan: 2"))
    assert "The fleet matches the file." in netweft("apply", "-f", str(file)).err
    assert [*netweft.json("export")["hosts"]["sim-1"]["attachments"]] == ["one", "ovirtmgmt", "two"]


def test_hosts_follow_one_change_before_the_next_is_made(netweft: Netweft, file: Path) -> None:
    desired = """
        data_centers: {Default: {networks: {one: {vlan: VLAN}}}}
        clusters: {Default: {rollout_soak: 0, networks: {one: {required: false}}}}
        hosts: {sim-1: &host {attachments: {one: {nic: eth1}}}, sim-2: *host, sim-3: *host}
    """
    file.write_text(desired.replace("VLAN", "7"))
    netweft("apply", "-f", str(file))
    file.write_text(desired.replace("VLAN", "8").replace("&host {", "&host {description: moved, "))
    told = netweft("apply", "-f", str(file)).err.splitlines()
    at = told.index("All hosts have changed.")
    assert told.index("1/4 change network Default/one") < at < told.index("2/4 change host sim-1")
    assert told.count("All hosts have changed.") == 1
    file.write_text("hosts: {sim-1: {attachments: {one: {nic: eth2}}}}")
    assert "Not committed" in netweft("apply", "-f", str(file)).err
    assert "Not committed" in netweft("apply", "-f", str(file), "--no-commit").err
    assert "commit host networks sim-1" in netweft("apply", "-f", str(file), "--commit").err
    assert "commit" not in netweft("apply", "-f", str(file)).err


def test_what_hosts_would_do_is_told_of_each_change(netweft: Netweft, file: Path) -> None:
    file.write_text("""
        data_centers: {Default: {networks: {one: {vlan: 7}}}}
        clusters: {Default: {networks: {one: {required: false}}}}
        hosts: {sim-1: {attachments: {one: {nic: eth1}}}}
    """)
    netweft("apply", "-f", str(file))
    file.write_text("""
        data_centers: {Default: {networks: {ovirtmgmt: {vlan: 50}, one: {vlan: 8}, two: {vlan: 9}}}}
        clusters: {Default: {networks: {two: {required: false}}}}
        hosts: {sim-1: {attachments: {one: {nic: eth2}}}, sim-2: {attachments: {two: {nic: eth1}}}}
    """)
    found = {one["name"]: one for one in netweft.json("plan", "--hosts", "-f", str(file))["changes"]}
    affected = found["Default/ovirtmgmt"]["hosts"]
    assert (affected["changed"], affected["loss"], affected["networks"][0]["name"]) == (3, "outage", "ovirtmgmt")
    assert found["Default/one"]["hosts"]["changed"] == found["sim-1"]["hosts"]["changed"] == 1
    assert found["sim-2"]["problem"] == "cluster network Default/two is not there yet."
    told = netweft("plan", "--hosts", "-f", str(file))
    assert told.rows[0] == ["DO", "WHAT", "NAME", "HOSTS", "LOSS", "NETWORKS", "VMS", "WHY", "NOT"]
    assert netweft.json("network", "show", "one")["vlan"]["id"] == 7
    file.write_text("data_centers: {Default: {networks: {one: {vlan: 8, stp: true, vm: false}}}}")
    (refused,) = json.loads(netweft("plan", "--hosts", "-f", str(file), "-o", "json", expect=1).out)["changes"]
    assert refused["hosts"] is None
    assert "STP" in refused["problem"]


def test_what_still_is_used_is_not_removed(netweft: Netweft, file: Path) -> None:
    file.write_text("clusters: {}")
    told = netweft("apply", "-f", str(file), "--prune", expect=2).err
    assert ":1:1: cluster Default would be removed, and host sim-1 has it as cluster." in told
    assert netweft.json("plan", "-f", str(file)) == {"changes": []}


def test_changes_are_asked_for_at_a_terminal(netweft: Netweft, file: Path) -> None:
    file.write_text("data_centers: {Default: {networks: {blue: {}}}}")
    asked = netweft.at_terminal("n\n", "apply", "-f", str(file))
    assert (asked.code, "Make 1 change?" in asked.err, "Default/blue" in asked.out) == (1, True, True)
    assert len(netweft.json("plan", "-f", str(file))["changes"]) == 1
    assert netweft.at_terminal("y\n", "apply", "-f", str(file)).code == 0
    file.write_text("data_centers: {Default: {networks: {ovirtmgmt: {}}}}")
    assert netweft.at_terminal("", "apply", "-f", str(file), "--prune", "--yes").code == 0
    assert "blue" not in netweft("export").out


def test_secrets_come_from_where_the_file_says(netweft: Netweft, file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    for place, environment, said in (
        ("{env: NOWHERE}", {}, "The environment variable NOWHERE, which holds a secret, is not set."),
        (f"{{file: {secret}}}", {}, "which holds a secret, cannot be read"),
        ("{env: SOMEWHERE}", {"SOMEWHERE": "a password"}, "The provider cannot be reached"),
    ):
        login = f"authentication: true, authentication_url: 'http://127.0.0.1:1/v3', login: me, password: {place}"
        file.write_text(f"providers: {{far: {{type: neutron, url: 'http://127.0.0.1:1', tenant: us, {login}}}}}")
        told = netweft("apply", "-f", str(file), expect=1, **environment)
        assert said in told.err
        assert "a password" not in told.out + told.err


@pytest.mark.usefixtures("file")
def test_the_example_can_be_applied_and_says_what_became(netweft: Netweft) -> None:
    example = str(ROOT / "examples" / "fleet-racks.yaml")
    assert "Not committed" not in netweft("apply", "-f", example, "--commit").err
    assert netweft.json("plan", "-f", example) == {"changes": []}
    hosts = netweft.json("export")["hosts"]
    found = [hosts[name]["attachments"]["storage"]["ipv4"]["address"] for name in ("sim-1", "sim-2")]
    assert found == ["203.0.113.10", "203.0.113.11"]
    assert hosts["sim-2"]["bonds"]["bond0"]["slaves"] == ["eth1", "eth2"]
    assert netweft.json("host", "show", "sim-1")["networks_committed"] is True


def test_it_needs_a_file_or_a_command(netweft: Netweft, file: Path) -> None:
    file.write_text("")
    assert "Name either a command or, with -f, a file." in netweft("plan", expect=2).err
    assert "Name either a command" in netweft("plan", "-f", str(file), "network", "list", expect=2).err
    assert "--steps is about a command" in netweft("plan", "--steps", "-f", str(file), expect=2).err
    assert "--prune and --hosts are about a file" in netweft("plan", "--prune", "network", "list", expect=2).err
    assert "Name the file with -f." in netweft("apply", expect=2).err
    assert "Nothing is no mapping" in netweft("plan", "-f", str(file), expect=2).err


NOT_IN_THE_FILE = {
    "cluster": {"management_network"},  # a role among those of its networks
    "datacenter": set(),
    "host": {"engine_key"},  # how its agent was installed
    "macpool": {"default"},
    "network": {"datacenter"},  # which it is in
    "profile": {"network"},
    "provider": set(),
    "qos": set(),
    "subnet": set(),
}


@pytest.mark.parametrize("noun", sorted(NOT_IN_THE_FILE))
def test_what_a_command_can_say_the_file_can_say(noun: str) -> None:
    said = {OPTIONS.get(field.name, field.name) for field in BY_NAME[noun].fields}
    options = {field.parameter for field in nouns.noun(noun).fields} - {"rename"}
    assert options - said == NOT_IN_THE_FILE[noun]
    assert said - options <= {"comment", "label"}


def test_the_schema_that_is_kept_is_the_one_that_is_printed(netweft: Netweft) -> None:
    kept = (ROOT / "docs" / "fleet.schema.json").read_text()
    is_kept = netweft("export", "--schema", NETWEFT_PASSWORD="").out == kept
    assert is_kept, "docs/fleet.schema.json is an older one: 'make schema' writes it anew"
