from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from netweft.core.rules import provider as rules

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Provider:
    type: str = "neutron"
    url: str = "http://neutron.example:9696"
    requires_authentication: bool = True
    authentication_url: str = "http://keystone.example:5000/v3"
    username: str = "netweft"
    password: str = "encrypted"
    tenant_name: str = "infra"
    project_name: str = ""
    user_domain_name: str = ""


@pytest.mark.parametrize(
    "url", ["http://a", "https://neutron.example:9696", "http://[2001:db8::1]:9696/", "http://192.0.2.1:9696/v2.0"]
)
def test_urls(url: str) -> None:
    assert rules.url_is_valid("provider URL", url) is None


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not valid"),
        ("neutron.example:9696", "is not valid"),
        ("ftp://neutron.example", "is not valid"),
        ("http://", "is not valid"),
        ("http://a:port", "is not valid"),
        ("http://a:99999", "is not valid"),
        ("http://[::1", "is not valid"),
        (" http://a", "is not valid"),
        ("http://a\n", "is not valid"),
        ("http://a/" + "x" * rules.URL_MAX, "is not valid"),
        ("http://user@a", "a user or a password"),
        ("http://:secret@a", "a user or a password"),
        ("http://a?x=1", "a query or a fragment"),
        ("http://a#x", "a query or a fragment"),
    ],
)
def test_what_is_no_url(url: str, words: str) -> None:
    problem = rules.url_is_valid("provider URL", url)
    assert problem is not None
    assert words in problem.text


@pytest.mark.parametrize(
    "url",
    [
        "https://neutron.example:9696",
        "tcp:192.0.2.1:6641",
        "tcp:[2001:db8::1]:6641,tcp:[2001:db8::2]:6641",
        "unix:/run/ovn/ovnnb_db.sock",
        "tcp:a:1?southbound=unix:/b",
    ],
)
def test_addresses(url: str) -> None:
    assert rules.address_is_valid(url, "neutron") is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://a",
        "tcp:a",
        "tcp:u:p@a:6641",
        "unix:nb.sock",
        "tcp:a:1,",
        "tcp:a:1?x=1",
        "unix:/" + "x" * rules.URL_MAX,
    ],
)
def test_what_is_no_address(url: str) -> None:
    problem = rules.address_is_valid(url, "neutron")
    assert problem is not None
    assert "is not valid" in problem.text


@pytest.mark.parametrize("url", ["", "nonsense", "ssl:a:6641", "https://neutron.example:9696"])
def test_what_is_no_address_of_databases(url: str) -> None:
    problem = rules.address_is_valid(url, rules.OVN)
    assert problem is not None
    assert "Write it as tcp:ovn.example.com:6641" in problem.text
    assert rules.address_is_valid("tcp:a:6641", rules.OVN) is None


@pytest.mark.parametrize("url", ["", "http://a:5000/v3", "http://a:35357/v2.0/", "https://a/identity/v3/"])
def test_authentication_urls(url: str) -> None:
    assert rules.authentication_url_is_valid(url) is None


@pytest.mark.parametrize("url", ["http://a:5000", "http://a:5000/v4", "a/v3"])
def test_what_is_no_authentication_url(url: str) -> None:
    assert rules.authentication_url_is_valid(url) is not None


def test_a_login_is_complete() -> None:
    full = Provider()
    assert rules.authentication_is_complete(full) is None
    assert rules.authentication_is_complete(replace(full, tenant_name="", user_domain_name="d")) is None
    assert rules.authentication_is_complete(replace(full, tenant_name="", project_name="p")) is None
    assert rules.authentication_is_complete(Provider(requires_authentication=False, username="")) is None
    one = rules.authentication_is_complete(replace(full, password=""))
    assert one is not None
    assert "the password is missing" in one.text
    several = rules.authentication_is_complete(replace(full, username="", tenant_name=""))
    assert several is not None
    assert "the user name, the tenant or the user domain are missing" in several.text


def test_a_fabric_is_logged_in_to() -> None:
    assert rules.login_is_given(Provider()) is None
    one = rules.login_is_given(replace(Provider(), password=""))
    assert one is not None
    assert "but the password is missing" in one.text
    both = rules.login_is_given(replace(Provider(), username="", password=""))
    assert both is not None
    assert "the user and the password are missing" in both.text


def test_types() -> None:
    assert rules.type_is_known("neutron", frozenset({"neutron"})) is None
    other = rules.type_is_known("ovn", frozenset({"neutron", "external"}))
    assert other is not None
    assert "There are: external, neutron." in other.text
    none = rules.type_is_known("neutron", frozenset())
    assert none is not None
    assert "No provider module is installed." in none.text


def test_a_type_stays() -> None:
    assert rules.type_stays("neutron", "neutron") is None
    assert rules.type_stays("neutron", "external") is not None


def test_passwords() -> None:
    assert rules.password_is_valid("x" * rules.PASSWORD_MAX) is None
    assert rules.password_is_valid("x" * (rules.PASSWORD_MAX + 1)) is not None


def test_certificates() -> None:
    assert rules.certificates_of("") == []
    assert rules.certificates_of(PEM + PEM) == [PEM, PEM]
    assert rules.certificates_are_given([PEM, f"  {PEM}"]) is None
    for wrong, words in (
        ([], "no certificate"),
        ([""], "not in PEM"),
        (["MIIB"], "not in PEM"),
        ([PEM, ""], "not in PEM"),
    ):
        problem = rules.certificates_are_given(wrong)
        assert problem is not None
        assert words in problem.text


def test_certificates_are_for_tls() -> None:
    for url in ("tcp:a:6641", "unix:/a"):
        assert rules.certificates_are_of_use("", url) is None
        assert rules.certificates_are_of_use(PEM, url) is not None
    assert rules.certificates_are_of_use(PEM, "https://neutron.example:9696") is None


@pytest.mark.parametrize(
    "remote",
    ["", "tcp:192.0.2.1:6642", "tcp:[2001:db8::1]:6642,tcp:ovn.example.com:6642", "unix:/run/ovn/ovnsb_db.sock"],
)
def test_what_a_plugin_connects_to(remote: str) -> None:
    assert rules.plugin_remote_is_valid(remote) is None


@pytest.mark.parametrize(
    ("remote", "words"),
    [
        ("192.0.2.1", "is not valid"),
        ("tcp:192.0.2.1", "is not valid"),
        ("tcp:192.0.2.1:0", "is not valid"),
        ("tcp:192.0.2.1:66420", "is not valid"),
        ("tcp:192.0.2.1:6642, tcp:192.0.2.2:6642", "without blanks"),
        ("tcp:192.0.2.1:6642,", "is not valid"),
        ("unix:ovnsb_db.sock", "is not valid"),
        ("unix:/" + "x" * rules.URL_MAX, "is not valid"),
        ("tcp:192.0.2.1:6642,ssl:192.0.2.2:6642", "takes no ssl:"),
    ],
)
def test_what_no_plugin_connects_to(remote: str, words: str) -> None:
    problem = rules.plugin_remote_is_valid(remote)
    assert problem is not None
    assert words in problem.text


def test_mappings_of_physical_networks() -> None:
    remote = "tcp:192.0.2.1:6642"
    assert rules.plugin_mappings_are_valid("", "") is None
    assert rules.plugin_mappings_are_valid("physnet1:wire,physnet2:Lager-7", remote) is None
    assert rules.mappings_of("physnet1:wire,physnet2:Lager-7") == {"physnet1": "wire", "physnet2": "Lager-7"}
    assert rules.mappings_of("") == {}


@pytest.mark.parametrize(
    ("mappings", "remote", "words"),
    [
        ("physnet1:wire", "", "and no address"),
        ("physnet1", "tcp:192.0.2.1:6642", "are not valid"),
        ("physnet1:wire, physnet2:wire", "tcp:192.0.2.1:6642", "are not valid"),
        ("physnet1:wire,physnet1:storage", "tcp:192.0.2.1:6642", "once"),
        ("physnet1:" + "x" * rules.URL_MAX, "tcp:192.0.2.1:6642", "are not valid"),
    ],
)
def test_what_maps_no_physical_network(mappings: str, remote: str, words: str) -> None:
    problem = rules.plugin_mappings_are_valid(mappings, remote)
    assert problem is not None
    assert words in problem.text


def test_only_ovn_controller_is_set_up() -> None:
    remote = "tcp:192.0.2.1:6642"
    assert rules.plugin_is_known(("open_vswitch", "OVIRT_PROVIDER_OVN"), remote) is None
    assert rules.plugin_is_known(("", "linuxbridge"), "") is None
    problem = rules.plugin_is_known(("", "linuxbridge"), remote)
    assert problem is not None
    assert "'linuxbridge'" in problem.text


def test_a_default_provider_is_not_removed() -> None:
    assert rules.is_no_default("ovn", []) is None
    problem = rules.is_no_default("ovn", ["Default", "racks"])
    assert problem is not None
    assert "Default, racks" in problem.text


def test_hosts_leave_no_provider_under_machines_that_run() -> None:
    assert rules.plugin_is_unused("ovn", []) is None
    problem = rules.plugin_is_unused("ovn", ["web"])
    assert problem is not None
    assert "web" in problem.text
