"""Users, their passwords, and what they may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netweft

ANNS = "correct horse battery"


@pytest.fixture
def ann(netweft: Netweft, tmp_path: Path) -> Iterator[Path]:
    """A user, and the file with her password."""
    file = tmp_path / "password"
    file.write_text(f"{ANNS}\n")
    netweft("user", "add", "ann", "--last-name", "Roe", "--new-password-file", str(file))
    yield file
    netweft("user", "remove", "ann")


def test_a_user_does_what_was_granted(netweft: Netweft, ann: Path) -> None:
    def as_ann(*words: str, expect: int = 0) -> str:
        done = netweft("--user", "ann", "--password-file", str(ann), *words, expect=expect, NETWEFT_PASSWORD="")
        return done.out + done.err

    assert ["ann@internal", "ann", "Roe"] in [row[:3] for row in netweft("user", "list").rows]
    assert "--filter" in as_ann("network", "list", expect=4)
    assert "sim-1" not in as_ann("--filter", "host", "list")
    for kind, name in (
        ("network", "ovirtmgmt"), ("datacenter", "Default"), ("cluster", "Default"), ("host", "sim-1"),
        ("profile", "ovirtmgmt"),
    ):  # fmt: skip
        netweft("permission", "grant", kind, name, "--role", "NetworkAdmin", "--user", "ann")
        if kind == "network":
            given = netweft("permission", "list", kind, name).rows
            assert ["ann@internal", "NetworkAdmin"] in [row[:2] for row in given]
            as_ann("network", "set", "ovirtmgmt", "--description", "for hosts")
            as_ann("datacenter", "add", "mine", expect=4)
        netweft("permission", "revoke", kind, name, "--role", "NetworkAdmin", "--user", "ann")
    as_ann("network", "set", "ovirtmgmt", "--description", "mine", expect=4)
    refused = netweft("permission", "revoke", "cluster", "Default", "--role", "UserRole", "--user", "ann", expect=3)
    assert "ann was not given the role UserRole there" in refused.err


def test_permissions_of_everyone_on_the_system(netweft: Netweft) -> None:
    netweft("permission", "grant", "system", "--role", "UserRole", "--everyone")
    assert ["everyone", "UserRole"] in [row[:2] for row in netweft("permission", "list", "system").rows]
    netweft("permission", "revoke", "system", "--role", "UserRole", "--everyone")
    netweft("permission", "list", "system", "Default", expect=2)
    netweft("permission", "grant", "cluster", "--role", "UserRole", "--everyone", expect=2)
    netweft("permission", "grant", "system", "--role", "UserRole", expect=2)
    netweft("permission", "grant", "system", "--role", "NoSuchRole", "--everyone", expect=3)


def test_passwords(netweft: Netweft, ann: Path) -> None:
    def log_in(password: str, expect: int = 0) -> None:
        netweft("--user", "ann", "--filter", "user", "list", NETWEFT_PASSWORD=password, expect=expect)

    netweft("user", "set-password", "ann", "--new-password-file", "-", stdin="short", expect=1)
    netweft("user", "set-password", "ann", "--new-password-file", "-", stdin="another good password\n")
    log_in(ANNS, expect=4)
    log_in("another good password")
    words = ("--user", "ann", "--filter", "user", "set-password", "ann", "--new-password-file", str(ann))
    netweft(*words, NETWEFT_PASSWORD="another good password")
    log_in(ANNS)
    assert "--new-password-file" in netweft("user", "set-password", "ann", expect=2).err
    ann.write_text(" with a blank at both ends \n")
    netweft("user", "set-password", "ann", "--new-password-file", str(ann))
    netweft("--user", "ann", "--password-file", str(ann), "--filter", "user", "list", NETWEFT_PASSWORD="")


def test_users_that_cannot_be(netweft: Netweft) -> None:
    add = ("user", "add", "--new-password-file", "-")
    assert "at least 12 characters" in netweft(*add, "carl", stdin="short", expect=1).err
    assert "at least 12 characters" in netweft(*add, "carl", stdin="", expect=1).err
    assert "There is a user admin@internal already" in netweft(*add, "admin", stdin=ANNS, expect=1).err
    assert "Only users of 'internal'" in netweft(*add, "carl@example.org", stdin=ANNS, expect=1).err
    assert "logged in as admin@internal" in netweft("user", "remove", "admin", expect=1).err


def test_who_sees_a_host_but_not_its_networks_is_told_what_is_seen(netweft: Netweft, ann: Path, tmp_path: Path) -> None:
    file = tmp_path / "setup.yaml"
    netweft("network", "add", "hidden", "--no-vm")
    netweft("cluster", "attach", "Default", "hidden", "--optional")
    file.write_text("attachments:\n- {network: hidden, nic: eth3}\n")
    netweft("host", "setup-networks", "sim-3", "-f", str(file))
    netweft("permission", "grant", "host", "sim-3", "--role", "HostAdmin", "--user", "ann")
    words = ("--user", "ann", "--password-file", str(ann), "--filter", "host")
    file.write_text("removed_attachments: [hidden]\n")
    refused = netweft(*words, "setup-networks", "sim-3", "-f", str(file), expect=2, NETWEFT_PASSWORD="")
    assert "Network hidden is not attached to this host; attached are: ovirtmgmt" in refused.err
    netweft(*words, "attachments", "sim-3", NETWEFT_PASSWORD="")
    netweft(*words, "nics", "sim-3", NETWEFT_PASSWORD="")
    netweft("network", "remove", "hidden")


def test_permissions_name_their_objects(netweft: Netweft, ann: Path) -> None:
    grants = (("network", "ovirtmgmt"), ("profile", "ovirtmgmt"), ("macpool", "Default"), ("host", "sim-1"))
    for kind, name in grants:
        netweft("permission", "grant", kind, name, "--role", "NetworkAdmin", "--user", "ann")
    mine = netweft("user", "permission", "list", "ann")
    assert mine.rows[0] == ["ROLE", "KIND", "NAME"]
    expected = [["NetworkAdmin", kind, name] for kind, name in grants]
    assert sorted(mine.rows[1:]) == sorted(expected)
    listed = [row[:4] for row in netweft("permission", "list").rows]
    assert ["USER", "ROLE", "KIND", "NAME"] in listed
    assert all(["ann@internal", *one] in listed for one in expected)
    assert ["ann@internal", "NetworkAdmin", "host", "sim-1"] in netweft("permission", "list", "host", "sim-1").rows
    on_networks = netweft("permission", "list", "network", "--search", "user=ann*").rows
    assert on_networks[1:] == [["ann@internal", "NetworkAdmin", "network", "ovirtmgmt"]]
    netweft("permission", "list", "host", "sim-1", "--search", "user=ann*", expect=2)
    own = netweft("--user", "ann", "--password-file", str(ann), "--filter", "permission", "list", NETWEFT_PASSWORD="")
    assert all(["ann@internal", *one] in own.rows for one in expected)
    for kind, name in grants:
        netweft("permission", "revoke", kind, name, "--role", "NetworkAdmin", "--user", "ann")


def test_jobs_and_rollouts_say_who_began_them(netweft: Netweft) -> None:
    netweft("job", "add", "Somebody's work")
    listed = netweft("job", "list", "--max", "1")
    assert listed.rows[0][2] == "WHO"
    assert "admin@internal" in listed.rows[1]
    shown = netweft("job", "show", netweft.json("job", "list", "--max", "1")[0]["id"]).out
    assert "admin@internal" in shown
    assert "WHO" in netweft("rollout", "list").rows[0]
