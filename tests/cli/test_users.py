"""Users, their passwords, and what they may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Netloom

ANNS = "correct horse battery"


@pytest.fixture
def ann(netloom: Netloom, tmp_path: Path) -> Iterator[Path]:
    """A user, and the file with her password."""
    file = tmp_path / "password"
    file.write_text(f"{ANNS}\n")
    netloom("user", "add", "ann", "--last-name", "Roe", "--new-password-file", str(file))
    yield file
    netloom("user", "remove", "ann")


def test_a_user_does_what_was_granted(netloom: Netloom, ann: Path) -> None:
    def as_ann(*words: str, expect: int = 0) -> str:
        done = netloom("--user", "ann", "--password-file", str(ann), *words, expect=expect, NETLOOM_PASSWORD="")
        return done.out + done.err

    assert ["ann@internal", "ann", "Roe"] in [row[:3] for row in netloom("user", "list").rows]
    assert "--filter" in as_ann("network", "list", expect=4)
    assert "sim-1" not in as_ann("--filter", "host", "list")
    for kind, name in (
        ("network", "ovirtmgmt"), ("datacenter", "Default"), ("cluster", "Default"), ("host", "sim-1"),
        ("profile", "ovirtmgmt"),
    ):  # fmt: skip
        netloom("permission", "grant", kind, name, "--role", "NetworkAdmin", "--user", "ann")
        if kind == "network":
            given = netloom("permission", "list", kind, name).rows
            assert ["ann@internal", "NetworkAdmin"] in [row[:2] for row in given]
            as_ann("network", "set", "ovirtmgmt", "--description", "for hosts")
            as_ann("datacenter", "add", "mine", expect=4)
        netloom("permission", "revoke", kind, name, "--role", "NetworkAdmin", "--user", "ann")
    as_ann("network", "set", "ovirtmgmt", "--description", "mine", expect=4)
    refused = netloom("permission", "revoke", "cluster", "Default", "--role", "UserRole", "--user", "ann", expect=3)
    assert "ann was not given the role UserRole there" in refused.err


def test_permissions_of_everyone_on_the_system(netloom: Netloom) -> None:
    netloom("permission", "grant", "system", "--role", "UserRole", "--everyone")
    assert ["everyone", "UserRole"] in [row[:2] for row in netloom("permission", "list", "system").rows]
    netloom("permission", "revoke", "system", "--role", "UserRole", "--everyone")
    netloom("permission", "list", "system", "Default", expect=2)
    netloom("permission", "list", "cluster", expect=2)
    netloom("permission", "grant", "system", "--role", "UserRole", expect=2)
    netloom("permission", "grant", "system", "--role", "NoSuchRole", "--everyone", expect=3)


def test_passwords(netloom: Netloom, ann: Path) -> None:
    def log_in(password: str, expect: int = 0) -> None:
        netloom("--user", "ann", "--filter", "user", "list", NETLOOM_PASSWORD=password, expect=expect)

    netloom("user", "set-password", "ann", "--new-password-file", "-", stdin="short", expect=1)
    netloom("user", "set-password", "ann", "--new-password-file", "-", stdin="another good password\n")
    log_in(ANNS, expect=4)
    log_in("another good password")
    words = ("--user", "ann", "--filter", "user", "set-password", "ann", "--new-password-file", str(ann))
    netloom(*words, NETLOOM_PASSWORD="another good password")
    log_in(ANNS)
    assert "--new-password-file" in netloom("user", "set-password", "ann", expect=2).err
    ann.write_text(" with a blank at both ends \n")
    netloom("user", "set-password", "ann", "--new-password-file", str(ann))
    netloom("--user", "ann", "--password-file", str(ann), "--filter", "user", "list", NETLOOM_PASSWORD="")


def test_users_that_cannot_be(netloom: Netloom) -> None:
    add = ("user", "add", "--new-password-file", "-")
    assert "at least 12 characters" in netloom(*add, "carl", stdin="short", expect=1).err
    assert "There is a user admin@internal already" in netloom(*add, "admin", stdin=ANNS, expect=1).err
    assert "Only users of 'internal'" in netloom(*add, "carl@example.org", stdin=ANNS, expect=1).err
    assert "logged in as admin@internal" in netloom("user", "remove", "admin", expect=1).err


def test_who_sees_a_host_but_not_its_networks_is_told_what_is_seen(netloom: Netloom, ann: Path, tmp_path: Path) -> None:
    file = tmp_path / "setup.yaml"
    netloom("network", "add", "hidden", "--no-vm")
    netloom("cluster", "attach", "Default", "hidden", "--optional")
    file.write_text("attachments:\n- {network: hidden, nic: eth3}\n")
    netloom("host", "setup-networks", "sim-3", "-f", str(file))
    netloom("permission", "grant", "host", "sim-3", "--role", "HostAdmin", "--user", "ann")
    words = ("--user", "ann", "--password-file", str(ann), "--filter", "host")
    file.write_text("removed_attachments: [hidden]\n")
    refused = netloom(*words, "setup-networks", "sim-3", "-f", str(file), expect=2, NETLOOM_PASSWORD="")
    assert "Network hidden is not attached to this host; attached are: ovirtmgmt" in refused.err
    netloom(*words, "attachments", "sim-3", NETLOOM_PASSWORD="")
    netloom(*words, "nics", "sim-3", NETLOOM_PASSWORD="")
    netloom("network", "remove", "hidden")
