"""``netweft plan``: what another command would have hosts do."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Netweft


def test_a_command_is_planned_and_then_done_as_planned(netweft: Netweft, tmp_path: Path) -> None:
    there, gone, with_address = (tmp_path / f"{name}.yaml" for name in ("there", "gone", "with_address"))
    with_address.write_text(
        "attachments: [{network: planned, nic: eth2, ipv4: {method: static, address: 192.0.2.70, prefix: 24}}]"
    )
    there.write_text("attachments: [{network: planned, nic: eth2}]")
    gone.write_text("removed_attachments: [planned]")
    netweft("network", "add", "planned", "--vlan", "700")
    netweft("cluster", "attach", "Default", "planned", "--optional")
    netweft("host", "setup-networks", "sim-1", "-f", str(there))
    change = ("network", "set", "planned", "--vlan", "701")
    told = netweft("plan", *change)
    assert told.rows[0] == ["HOST", "STATUS", "STEPS", "LOSS", "VNICS", "WHY", "WHY", "NOT"]
    assert told.rows[1][:2] == ["sim-1", "up"]
    assert "1 of 1 hosts would change; worst loss: none." in told.err
    steps = netweft("plan", "--steps", *change).out
    assert "tag 701" in steps
    assert "eth2, port Gi1/0/2 of sw-1a" in steps
    assert netweft.json("network", "show", "planned")["vlan"]["id"] == 700
    assert netweft.json("plan", *change)["hosts"][0]["host"]["name"] == "sim-1"
    plan = netweft.json("plan", "-o", "json", *change)["id"]
    assert f"--if-plan {plan}" in told.err
    netweft("--if-plan", plan, *change)
    assert netweft.json("network", "show", "planned")["vlan"]["id"] == 701
    refused = netweft("--if-plan", plan, "network", "set", "planned", "--vlan", "702", expect=1)
    assert "PLAN_IS_STALE" in refused.err
    assert netweft.json("network", "show", "planned")["vlan"]["id"] == 701
    empty = netweft("--if-plan", "", "network", "set", "planned", "--vlan", "702", expect=2)
    assert "is empty" in empty.err
    assert netweft.json("network", "show", "planned")["vlan"]["id"] == 701
    netweft("host", "setup-networks", "sim-1", "-f", str(with_address))
    for words in (("cluster", "detach", "Default", "planned"), ("network", "remove", "planned")):
        assert "Network planned: outage." in netweft("plan", *words).err
        assert "planned" in netweft("plan", "--steps", *words).out
    netweft("host", "setup-networks", "sim-1", "-f", str(gone))
    assert "0 of 0 hosts" in netweft("plan", "network", "remove", "planned").err
    netweft("network", "remove", "planned", "--yes")


def test_what_cannot_be_planned_is_refused_as_it_would_be(netweft: Netweft) -> None:
    assert "there is nothing to plan" in netweft("plan", "host", "list", expect=1).err
    assert "No such command" in netweft("plan", "host", "no-such-verb", expect=2).err
    assert "There is no network" in netweft("plan", "network", "remove", "nowhere", expect=3).err
    assert "is already used" in netweft("plan", "network", "add", "ovirtmgmt", expect=1).err
    assert "A logout cannot be planned" in netweft("plan", "logout", expect=2).err
    assert "--if-plan is about one request" in netweft("--if-plan", "x", "apply", "-f", __file__, expect=2).err
