"""NVIDIA's UFM (Unified Fabric Manager) as a configuration provider of an InfiniBand fabric, by its REST API.

A network is a partition, whose PKey is the network's VLAN. Its name says whose it is, as the UCS Manager's do; guests'
ports are put on it by their GUIDs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from netweft.providers.configuration import MtuError, PortProfile, ProfileSpec, Server, SystemClass
from netweft.providers.contract import Account, LoginError, MissingError, ProviderError, RefusedError
from netweft.providers.management_http import ManagementHttp
from netweft.providers.marks import name_of, owner_of

OLDEST = (6, 22)
"""The first release whose partitions have names."""
PKEY_MAX = 0x7FFE
"""The highest; 0x7fff is the fabric's own partition, which stays as it is (InfiniBand: 10.9.1.2)."""
_MTUS = {2048: 2, 4096: 4}
"""What UFM calls an MTU, in kilobytes, by octets."""
_MEMBER = 0x7FFF
"""The bits of a PKey that are its number; the highest bit marks full members."""
_GUID = re.compile(r"(0x)?([0-9a-f]{16})")
_VERSION = re.compile(r"(\d+)\.(\d+)")
_TEXT_MAX = 300

Partition = Mapping[str, Any]


@contextmanager
def connect(account: Account) -> Iterator[Ufm]:
    """A connection; each request logs in by itself."""
    yield Ufm(account)


class Ufm:
    """A connection to one; see :class:`netweft.providers.configuration.ConfigurationProvider`."""

    def __init__(self, account: Account) -> None:
        login = base64.b64encode(f"{account.username}:{account.password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        self._http = ManagementHttp(account)

    def test(self) -> None:
        """Check the login, and that the release supports partitions with names."""
        reply = self._ask("GET", "app/ufm_version")
        text = str(reply.get("ufm_release_version", "")) if isinstance(reply, dict) else ""
        found = _VERSION.search(text)
        if found is None:
            raise ProviderError("This is not UFM: its answer has no version.")
        if (int(found[1]), int(found[2])) < OLDEST:
            raise ProviderError(f"This is UFM {found[0]}, whose partitions have no names. UFM 6.22 or later is needed.")

    def servers(self) -> Sequence[Server]:
        """Hosts whose adapters have virtual ports, by the GUIDs of these adapters: UFM has no other data on their
        hardware.
        """
        reply = self._ask("GET", "resources/vports")
        ports = [one for one in reply if isinstance(one, dict)] if isinstance(reply, list) else []
        names = {str(one.get("system_guid", "")): str(one.get("system_name", "")) for one in ports}
        found = [Server(uuid=_plain(guid), name=name) for guid, name in names.items() if _GUID.fullmatch(guid.lower())]
        return sorted(found, key=lambda one: (one.name, one.uuid))

    def profiles(self) -> Sequence[PortProfile]:
        """All partitions without their MTUs, which would take a request for each."""
        return sorted((_profile(key, one) for key, one in self._partitions().items()), key=lambda one: one.name)

    def ensure_profile(self, spec: ProfileSpec) -> PortProfile:
        """As the contract has it. With another VLAN it is a new partition, on which its members are before the old one
        goes.
        """
        if spec.vlan_id is None or not 0 < spec.vlan_id <= PKEY_MAX:
            raise RefusedError("A partition has a PKey, which is the network's VLAN. Give the network one.")
        if spec.qos_policy or spec.high_performance:
            raise RefusedError("UFM has neither QoS policies nor high performance for single networks. Leave them out.")
        if spec.mtu and spec.mtu not in _MTUS:
            raise MtuError(f"A partition has an MTU of 2048 or 4096 octets, not {spec.mtu}.")
        pkey, there = hex(spec.vlan_id), self._partitions()
        mine = {key for key, one in there.items() if _profile(key, one).owner == spec.id}
        if pkey in there and pkey not in mine:
            raise RefusedError(f"PKey {pkey} is a foreign partition. Give the network another VLAN.")
        before = {guid: how for key in sorted(mine - {pkey}) for guid, how in _members(there[key]).items()}
        if pkey not in mine:
            body = {"pkey": pkey, "partition_name": name_of(spec.id), "index0": False, "ip_over_ib": True}
            self._ask("POST", "resources/pkeys/add", {**body, **({"mtu_limit": _MTUS[spec.mtu]} if spec.mtu else {})})
        present = _members(there[pkey]) if pkey in mine else {}
        for guid in sorted(before.keys() - present.keys()):
            self._join(pkey, guid, before[guid])
        for key in sorted(mine - {pkey}):
            self._keep_settings(key, pkey)
            self._remove(key)
        mtu = self._have_mtu(pkey, spec.mtu)
        members = frozenset(before.keys() | present.keys())
        return PortProfile(name=pkey, owner=spec.id, vlan_id=spec.vlan_id, mtu=mtu, members=members)

    def _keep_settings(self, old: str, new: str) -> None:
        """Copy the QoS settings of a partition's ports to the partition that replaces it."""
        settings = self._partition(old, "qos_conf").get("qos_conf") or {}
        if settings:
            self._ask("PUT", "resources/pkeys/qos_conf", {**settings, "pkey": new})

    def _have_mtu(self, key: str, desired: int) -> int:
        """Let a partition have an MTU, or any (0); returns what it has."""
        settings = self._partition(key, "qos_conf").get("qos_conf", {})
        limit = settings.get("mtu_limit", _MTUS[2048])
        if desired and limit != _MTUS[desired]:
            limit = _MTUS[desired]
            kept = {name: settings[name] for name in ("service_level", "rate_limit") if name in settings}
            self._ask("PUT", "resources/pkeys/qos_conf", {"pkey": key, "mtu_limit": limit, **kept})
        return int(limit) * 1024

    def remove_profile(self, owner: str) -> None:
        """As the contract has it; a partition with members is in use."""
        mine = [one for one in self.profiles() if owner and one.owner == owner]
        for one in mine:
            if one.members:
                raise RefusedError(
                    f"Partition {one.name} has {len(one.members)} ports of guests, which have to go first."
                )
            self._remove(one.name)

    def _remove(self, key: str) -> None:
        self._ask("DELETE", f"resources/pkeys/{key}", missing_ok=True)

    def system_classes(self) -> Sequence[SystemClass]:
        """None: each partition has an MTU of its own."""
        return ()

    def raise_mtu(self, system_class: str, mtu: int) -> SystemClass:
        """There is none."""
        raise RefusedError(
            f"UFM has no class of traffic {system_class[:40]} with an MTU ({mtu}): each network has its own."
        )

    def ensure_member(self, owner: str, guid: str) -> None:
        """As the contract has it: a full member."""
        guid = _normal(guid)
        mine = [one for one in self.profiles() if owner and one.owner == owner]
        if not mine:
            raise MissingError(f"UFM has no partition of the network {owner}.")
        for one in mine:
            if guid not in one.members:
                self._join(one.name, guid)

    def remove_member(self, owner: str, guid: str) -> None:
        """As the contract has it."""
        guid = _normal(guid)
        for one in self.profiles():
            if owner and one.owner == owner and guid in one.members:
                self._ask("DELETE", f"resources/pkeys/{one.name}/guids/{guid}", missing_ok=True)

    def _join(self, key: str, guid: str, membership: str = "full") -> None:
        body = {"pkey": key, "guids": [guid], "membership": membership, "index0": False, "ip_over_ib": True}
        self._ask("POST", "resources/pkeys", body)

    def _partitions(self) -> dict[str, Partition]:
        """All, by their PKeys in one form, without the bit of membership."""
        reply = self._ask("GET", "resources/pkeys?guids_data=true")
        if not isinstance(reply, dict) or not all(isinstance(one, dict) for one in reply.values()):
            raise ProviderError("This is not UFM: its answer has no partitions.")
        try:
            return {hex(int(key, 16) & _MEMBER): one for key, one in reply.items()}
        except ValueError as error:
            raise ProviderError("This is not UFM: its answer has partitions without a PKey.") from error

    def _partition(self, key: str, query: str) -> Partition:
        """One. Raises MissingError, also for the answer without anything that some releases give."""
        reply = self._ask("GET", f"resources/pkeys/{key}?{query}=true")
        if not isinstance(reply, dict) or not reply:
            raise MissingError(f"UFM has no partition {key}.")
        return reply

    def _ask(self, method: str, path: str, body: object = None, *, missing_ok: bool = False) -> Any:  # noqa: ANN401 - JSON
        content = b"" if body is None else json.dumps(body).encode()
        answer = self._http.request(method, f"/ufmRest/{path}", content, self._headers)
        decoded = answer.body.decode(errors="replace")
        text = "a page" if decoded.lstrip().startswith("<") else " ".join(decoded.split())[:_TEXT_MAX]
        if answer.status == HTTPStatus.NOT_FOUND and missing_ok:
            return None
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise LoginError(f"UFM refused the login or this operation: {text}")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise MissingError(f"UFM does not have it: {text}")
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}:
            raise RefusedError(f"UFM refused: {text}")
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ProviderError(f"UFM answered with HTTP status {answer.status}: {text}")
        if method != "GET":
            return None
        try:
            return json.loads(answer.body)
        except ValueError as error:
            raise ProviderError("The provider's answer is not JSON, or incomplete.") from error


def _profile(key: str, one: Partition) -> PortProfile:
    return PortProfile(
        name=key,
        owner=owner_of(str(one.get("partition", ""))),
        vlan_id=int(key, 16),
        members=frozenset(_members(one)),
    )


def _members(one: Partition) -> dict[str, str]:
    """The membership, full or limited, of each port of a partition by its GUID, in any form that UFM uses."""
    reply = [member for member in one.get("guids") or () if isinstance(member, dict)]
    return {_plain(str(member.get("guid", ""))): str(member.get("membership", "full")) for member in reply}


def _plain(guid: str) -> str:
    return guid.lower().removeprefix("0x")


def _normal(guid: str) -> str:
    """A GUID in the one form that it has here: 16 digits, small letters. Raises RefusedError."""
    found = _GUID.fullmatch(guid.lower())
    if found is None:
        raise RefusedError(f"{guid[:40]} is no GUID of a port: 16 hexadecimal digits.")
    return found[2]
