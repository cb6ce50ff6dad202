"""Providers of external networks on the command line, as far as none is there: the suite "providers" has real ones."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Netweft
from engine_process import EngineProcess
from netweft.engine.actor import SYSTEM
from netweft.engine.commands.providers import insert_provider
from netweft.engine.db import Database, new_id
from netweft.engine.model.providers import ProviderRow
from netweft.engine.settings import DATABASE_FILE

NOBODY = "http://127.0.0.1:1"


def test_one_that_does_not_answer_is_not_added(netweft: Netweft) -> None:
    refused = netweft("provider", "add", "blue", "--address", NOBODY, expect=1)
    assert "The provider cannot be reached" in refused.err
    assert netweft.json("provider", "list") == []


def test_what_is_wrong_is_said_before_anybody_is_asked(netweft: Netweft, tmp_path: Path) -> None:
    login = ("--authentication", "--authentication-url", "http://127.0.0.1:1", "--login", "netweft")
    refused = netweft("provider", "add", "blue", "--address", NOBODY, *login, expect=1)
    assert "does not end with /v2.0 or /v3" in refused.err
    assert "the password" in refused.err
    missing = netweft("provider", "add", "blue", "--login-password-file", str(tmp_path / "none"), expect=2)
    assert "cannot be read" in missing.err
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    no_text = netweft("provider", "add", "blue", "--login-password-file", str(tmp_path / "password"), expect=2)
    assert "it is no text" in no_text.err
    (tmp_path / "ca.pem").write_text("nothing of the kind")
    no_certificate = netweft("provider", "set", "blue", "--ca-file", str(tmp_path / "ca.pem"), expect=2)
    assert "holds no certificate" in no_certificate.err


def test_one_that_is_not_there(netweft: Netweft) -> None:
    for verb in ("status", "test", "show", "remove", "orphans", "network import-all"):
        assert "There is no provider blue" in netweft("provider", *verb.split(), "blue", expect=3).err
    assert "There is no provider blue" in netweft("provider", "remove-orphan", "blue", "1", expect=3).err


def test_a_plugin_is_said_by_options(netweft: Netweft) -> None:
    words = ("--plugin-remote", "ssl:192.0.2.1:6642", "--plugin-mappings", "physnet1:wire")
    refused = netweft("provider", "add", "blue", "--type", "neutron", "--address", NOBODY, *words, expect=1)
    assert "takes no ssl:" in refused.err


def test_a_cluster_has_no_provider(netweft: Netweft) -> None:
    assert "There is no provider blue" in netweft("cluster", "set", "Default", "--provider", "blue", expect=3).err
    netweft("cluster", "set", "Default", "--provider", "none")
    assert "external_network_providers" not in netweft.json("cluster", "show", "Default")


def test_what_a_provider_has_not_done_is_said(netweft: Netweft, engine: EngineProcess) -> None:
    db = Database(f"sqlite:///{engine.data / DATABASE_FILE}")
    row = ProviderRow(id=new_id(), name="away", type="neutron", url=NOBODY)
    db.run(insert_provider, SYSTEM, row)
    db.close()
    for words in (
        ("network", "add", "offices", "--provider", "away"),
        ("subnet", "add", "offices", "desks", "--cidr", "192.0.2.0/24"),
        ("subnet", "set", "offices", "desks", "--dhcp"),
        ("network", "set", "offices", "--description", "third floor"),
    ):
        done = netweft(*words)
        assert "error" in done.out
        assert "Not done on the provider: " in done.err, words
        assert "Tried again at 2" in done.err, words


def test_helps_name_it_well(netweft: Netweft) -> None:
    assert "List the providers of external networks." in netweft("provider", "list", "--help").out
    assert "Change a provider of external networks: what the options name" in netweft("provider", "set", "--help").out
    listing = netweft("provider", "network", "list", "--help").out
    assert "List the networks of a provider of external networks." in listing
    listing = netweft("provider", "network", "subnet", "list", "--help").out
    assert "List the subnets of a network of a provider." in listing
