"""Errors of the API name elements of requests; those of the command line the options that fill them."""

from __future__ import annotations

import pytest

from cli.conftest import Netweft
from netweft.cli.wording import in_options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A QoS needs outbound_average_linkshare, 1 to 100.", "A QoS needs --linkshare, 1 to 100."),
        ("Cluster [rolloutWave]: 0 is not between.", "--rollout-wave: 0 is not between."),
        ("MacPool [ranges]: '1' is no MAC address.", "--range: '1' is no MAC address."),
        ("Import a network, or set read_only of it to false.", "Import a network, or set --writable of it."),
        ("Set delete_protected to false first.", "Set --unprotected first."),
        ("Set all_networks_allowed to false first.", "Set --for of 'netweft host functions' first."),
        ("and set ssh.authentication_method to publickey.", "and set --engine-key."),
        ("agent_configuration has network_mappings.", "the plugin has --plugin-mappings."),
        ("so agent_configuration.address takes no ssl:.", "so --plugin-remote takes no ssl:."),
        ("The network 'read_only' has an address.", "The network 'read_only' has an address."),
        ("Network [name] is required.", "Network [name] is required."),
    ],
)
def test_elements_of_the_api_become_options(text: str, expected: str) -> None:
    assert in_options(text) == expected


def test_refusals_name_options(netweft: Netweft) -> None:
    assert "needs --linkshare, 1 to 100" in netweft("qos", "add", "shares", "--type", "hostnetwork", expect=1).err
    netweft("vm", "add", "kept", "--protected")
    assert "Set --unprotected first." in netweft("vm", "remove", "kept", expect=1).err
    netweft("vm", "set", "kept", "--unprotected")
    netweft("vm", "remove", "kept")
