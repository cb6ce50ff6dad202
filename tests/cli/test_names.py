"""Names that several data centres have, and names that a shell completes."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from cli.commands import commands
from cli.conftest import Netweft

FREE = {
    "configuration-provider": "--type --address --login",
    "domain": "",
    "event": "description --origin --after",
    "find": "words",
    "host": "--address --ssh-port --ssh-fingerprint --reason --until",
    "job": "description",
    "lab": "command",
    "macpool": "--range",
    "network": "--vlan --dns --physical-name --qos-policy --clusters",
    "plan": "words",
    "profile": "--property",
    "provider": "--type --address --authentication-url --login --tenant --project --user-domain --project-domain"
    " --plugin-remote --plugin-mappings",
    "qos": "--inbound-average --inbound-peak --inbound-burst --outbound-average --outbound-peak --outbound-burst"
    " --linkshare --upperlimit --realtime",
    "subnet": "--cidr --gateway --pool --dns --route",
    "user": "name --first-name --last-name --email",
    "template": "--kernel --initrd --cmdline",
    "vm": "--value --mac --address --kernel --initrd --cmdline",
}
"""What takes neither a name of something that exists nor one of a few words, by the first word of the command."""
EVERYWHERE = {
    *("--search", "--sort", "--description", "--comment", "--rename", "--before"),
    *("--url", "--user", "--password-file", "--ca", "--if-plan"),
}
KNOWN_TYPES = (click.Choice, click.Path, click.File, click.IntRange, click.FloatRange, click.types.BoolParamType)


@pytest.fixture
def twins(netweft: Netweft) -> Iterator[str]:
    """A network, its vNIC profile and a QoS, whose name two data centres have."""
    netweft("datacenter", "add", "south")
    netweft("cluster", "add", "south-1", "--datacenter", "south", "--management-network", "south/ovirtmgmt")
    for place in ("Default", "south"):
        netweft("network", "add", "twin", "--datacenter", place)
        netweft("qos", "add", "twin", "--datacenter", place)
    netweft("cluster", "attach", "Default", "twin", "--optional")
    yield "twin"
    netweft("network", "remove", "Default/twin")
    netweft("cluster", "remove", "south-1")
    netweft("datacenter", "remove", "south")
    netweft("qos", "remove", "Default/twin")


def complete(netweft: Netweft, line: str) -> list[str]:
    done = netweft(_NETWEFT_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(line.split(" ")) - 1))
    return [word.partition(",")[2] for word in done.out.splitlines() if word]


def test_a_name_of_two_data_centres_is_given_in_full(netweft: Netweft, twins: str) -> None:
    for noun, names in (
        ("network", ("Default/twin", "south/twin")),
        ("profile", ("Default/twin/twin", "south/twin/twin")),
        ("qos", ("Default/twin", "south/twin")),
    ):
        refused = netweft(noun, "show", twins, expect=1).err
        assert "2 have the name twin. Name one in full, or give its id:" in refused
        for name in names:
            shown = netweft.json(noun, "show", name)
            assert f"  {name}  (id {shown['id']})\n" in refused
        assert complete(netweft, f"netweft {noun} show ")[:1] == ["Default/ovirtmgmt"] or noun != "network"
        assert set(names) <= set(complete(netweft, f"netweft {noun} show "))
        assert complete(netweft, f"netweft {noun} show {names[1]}") == [names[1]]
    assert "There is no datacenter east." in netweft("network", "show", "east/twin", expect=3).err
    assert "There is no network south/else." in netweft("network", "show", "south/else", expect=3).err


def test_a_full_name_is_taken_wherever_a_network_or_a_profile_is(netweft: Netweft, twins: str) -> None:
    netweft("network", "set", "south/twin", "--mtu", "1400")
    assert netweft.json("network", "show", "south/twin")["mtu"] == 1400
    netweft("cluster", "attach", "south-1", "south/twin", "--optional")
    refused = netweft("cluster", "attach", "south-1", "Default/twin", expect=3).err
    assert "There is no network Default/twin in the data centre of cluster south-1." in refused
    netweft("profile", "add", "second", "--network", "south/twin", "--qos", "south/twin")
    assert netweft.json("profile", "list", "--search", "name=second")[0]["network"]["name"] == "twin"
    netweft("permission", "grant", "network", "south/twin", "--role", "NetworkAdmin", "--everyone")
    netweft("vm", "add", "of-twins")
    assert "Name one in full" in netweft("vm", "nic", "add", "of-twins", "nic1", "--profile", twins, expect=1).err
    netweft("vm", "nic", "add", "of-twins", "nic1", "--profile", "Default/twin/twin")
    netweft("vm", "nic", "set", "of-twins", "nic1", "--profile", "none")
    netweft("vm", "nic", "set", "of-twins", "nic1", "--profile", "Default/twin/twin")
    netweft("vm", "remove", "of-twins")
    assert "for all" not in netweft("host", "functions", "sim-2", "eth2", "1", "--for", "Default/twin").err
    netweft("host", "function-network", "remove", "sim-2", "eth2", "Default/twin")
    netweft("host", "function-network", "add", "sim-2", "eth2", "Default/twin")
    netweft("host", "functions", "sim-2", "eth2", "0", "--for-all")
    assert netweft("network", "history", "south/twin").rows
    assert "[DATACENTER/]NETWORK" in netweft("cluster", "attach", "--help").out
    assert "--profile [[DATACENTER/]NETWORK/]PROFILE" in netweft("vm", "nic", "set", "--help").out


def test_nested_names_are_completed(netweft: Netweft) -> None:
    netweft("network", "add", "nested", "--vlan", "810")
    netweft("network", "label", "add", "nested", "nests")
    netweft("subnet", "add", "nested", "low", "--cidr", "192.0.2.0/24")
    netweft("tag", "add", "nest")
    netweft("vm", "add", "nest")
    netweft("vm", "nic", "add", "nest", "nic1", "--profile", "nested", expect=1)
    netweft("vm", "nic", "add", "nest", "nic7", "--profile", "ovirtmgmt")
    netweft("vm", "snapshot", "add", "nest", "before")
    for line, expected in (
        ("host functions sim-1 eth", ["eth0", "eth1", "eth2", "eth3"]),
        ("host functions sim-1 eth3 --for nes", ["nested"]),
        ("host label add sim-1 eth3 ne", ["nests"]),
        ("host function-network add sim-1 eth3 ne", ["nested"]),
        ("network label remove nested ", ["nests"]),
        ("network label add ovirtmgmt nes", ["nests"]),
        ("subnet show nested l", ["low"]),
        ("subnet set nested l", ["low"]),
        ("vm nic set nest nic", ["nic7"]),
        ("vm snapshot preview nest bef", ["before"]),
        ("vm snapshot-nic list nest bef", ["before"]),
        ("vm tag add nest ne", ["nest"]),
        ("user permission list adm", ["admin@internal"]),
        ("permission grant system --role SuperU", ["SuperUser"]),
        ("host diff sim-1 1", ["1"]),
        ("lab join --cluster Def", ["Default"]),
        ("network add nes", []),
    ):
        found = complete(netweft, f"netweft {line}")
        assert found[: len(expected)] == expected if "diff" in line else found == expected, line
    netweft("vm", "remove", "nest")
    netweft("network", "remove", "nested")


def test_a_name_with_a_slash_can_be_named_in_full(netweft: Netweft) -> None:
    netweft("network", "add", "up/link")
    netweft("profile", "add", "slow/lane", "--network", "up/link")
    assert netweft.json("network", "show", "Default/up/link")["name"] == "up/link"
    assert netweft.json("profile", "show", "Default/up/link/slow/lane")["name"] == "slow/lane"
    netweft("network", "remove", "Default/up/link")


def parameters() -> Iterator[tuple[str, str, click.Parameter]]:
    for name, command in commands():
        for one in command.params:
            yield name, one.opts[0], one


def test_each_parameter_that_takes_a_name_completes() -> None:
    silent = set()
    for name, spelled, one in parameters():
        is_argument = isinstance(one, click.Argument)
        is_new = is_argument and name.endswith(" add") and spelled == name.split()[-2].replace("-", "_")
        is_known = isinstance(one.type, KNOWN_TYPES) or (not is_argument and one.is_flag)
        of_type = type(one.type).shell_complete is not click.ParamType.shell_complete
        completes = of_type or one._custom_shell_complete is not None
        if not (is_new or is_known or completes or spelled in EVERYWHERE):
            silent.add((name.split()[0], spelled))
    free = {(noun, spelled) for noun, words in FREE.items() for spelled in words.split()}
    assert silent <= free, "these complete nothing"
    assert free <= {(name.split()[0], spelled) for name, spelled, _ in parameters()}, "these are no parameters any more"
