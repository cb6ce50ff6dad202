"""One file that describes a fleet, with the networks of a real Neutron in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from providers.neutron import Neutron
from providers.test_neutron import connect
from waiting import until

FILE = """
version: 1
providers:
  cloud: {type: neutron, url: NEUTRON}
data_centers:
  Default:
    networks:
      cloudy:
        provider: cloud
        description: of a file
        subnets:
          web: {cidr: 198.51.100.0/24, gateway: 198.51.100.1, dns: [198.51.100.53]}
clusters:
  Default:
    networks:
      cloudy: {required: false}
"""


def test_the_file_is_applied_to_neutron_and_reverted(
    neutron: Neutron, terminal: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "new.yaml").write_text(FILE.replace("NEUTRON", neutron.url))
    terminal("netweft export > before.yaml; netweft apply -f new.yaml --yes")
    with connect(neutron.url) as cloud:

        def there() -> list[tuple[str, str, list[str]]]:
            """CIDR, gateway and name servers of the subnets of the network."""
            return [
                (one.cidr, one.gateway_ip, one.dns_nameservers)
                for network in cloud.network.networks(name="cloudy")
                for one in cloud.network.subnets(network_id=network.id)
            ]

        until(lambda: there() == [("198.51.100.0/24", "198.51.100.1", ["198.51.100.53"])], "the subnet in Neutron")
        assert json.loads(terminal("netweft plan -f new.yaml -o json"))["changes"] == []
        terminal("netweft export > after.yaml")
        assert "cloudy" in (tmp_path / "after.yaml").read_text()
        assert json.loads(terminal("netweft plan -f after.yaml --prune -o json"))["changes"] == []
        terminal("sed 's/198.51.100.53/198.51.100.54/' after.yaml > other.yaml; netweft apply -f other.yaml --yes")
        until(lambda: there() == [("198.51.100.0/24", "198.51.100.1", ["198.51.100.54"])], "the other name server")
        terminal("netweft apply -f before.yaml --prune --yes")
        until(lambda: not list(cloud.network.networks(name="cloudy")), "an end of the network in Neutron")
    assert terminal("netweft export") == (tmp_path / "before.yaml").read_text()
