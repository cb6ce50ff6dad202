"""Cisco's UCS Manager as a configuration provider, by its XML API.

A network gets a VLAN, and a port profile with that VLAN and a client for any host. Both are called ``nw-`` and the
network's id in 26 letters: neither can be renamed there, and the name says whose it is. Others, and other networks of
ours, may have a VLAN of the same id by another name: each stays by itself, so that none changes with another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from netweft.providers.configuration import MtuError, PortProfile, ProfileSpec, Server, SystemClass
from netweft.providers.contract import Account, MissingError, ProviderError, RefusedError
from netweft.providers.marks import name_of, owner_of
from netweft.providers.ucsm_session import NOT_THERE, Object, Session, UcsmError, managed, translated_errors

LAN, PROFILES, CLASSES, POLICIES = "fabric/lan", "fabric/lan/profiles", "fabric/lan/classes", "org-root"
BEST_EFFORT = "best-effort"
PORTS = "256"
"""How many guests' ports a port profile is made for; an administrator who changes that there finds it kept."""

_ANY = {"dcName": ".*", "orgPath": ".*", "swName": ".*"}
_CLIENT = "netweft"
_UPSERT = "created,modified"
_MTUS = {"normal": 1500, "fc": 2240}
"""Words for octets."""
_CLASS_IDS = ("qosclassEthBE", "qosclassEthClassified")
_NOT_IN_DESCR = re.compile(r"[^ !#$%&()*+,\-./:;?@\[\]_{|}~a-zA-Z0-9]")
_DESCR_MAX = 256


@contextmanager
def connect(account: Account) -> Iterator[Ucsm]:
    """A connection, by one session that is logged out at its end."""
    with Session(account) as session:
        yield Ucsm(session)


class Ucsm:
    """A connection to one; see :class:`netweft.providers.configuration.ConfigurationProvider`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def test(self) -> None:
        """It lets us in, and has what each UCS Manager has."""
        with translated_errors():
            if LAN not in self._session.resolve(LAN):
                raise ProviderError("This is not a UCS Manager: it has no LAN cloud.")

    def servers(self) -> Sequence[Server]:
        """Blades and rack servers, with the UUIDs that they have at present."""
        with translated_errors():
            found = [*self._session.resolve_class("computeBlade"), *self._session.resolve_class("computeRackUnit")]
        servers = [Server(uuid=one.get("uuid", "").lower(), name=_server_name(one)) for one in found]
        return sorted(servers, key=lambda one: (one.name, one.uuid))

    def profiles(self) -> Sequence[PortProfile]:
        """All of the fabric, with the VLAN that guests have untagged."""
        with translated_errors():
            vlans = {one["name"]: int(one["id"]) for one in self._session.children(LAN, "fabricVlan")}
            carried = self._mtus()
            found = self._session.tree(PROFILES, "vnicProfile")
        return sorted((_as_profile(one, children, vlans, carried) for one, children in found), key=lambda one: one.name)

    def ensure_profile(self, spec: ProfileSpec) -> PortProfile:
        """As the contract has it."""
        if spec.vlan_id is None:
            raise RefusedError("A port profile of the UCS Manager has a VLAN, and the network has none.")
        with translated_errors():
            mtu = self._mtu(spec)
            name = name_of(spec.id)
            self._ensure_vlan(name, spec.vlan_id)
            self._ensure_profile(spec, name)
        return PortProfile(name=name, owner=spec.id, vlan_id=spec.vlan_id, mtu=mtu)

    def _ensure_vlan(self, name: str, vlan_id: int) -> None:
        """Its id changes in place: to make it anew would take it from guests that have it."""
        dn = f"{LAN}/net-{name}"
        found = self._session.resolve(dn).get(dn)
        if found is None or int(found["id"]) != vlan_id:
            self._session.change(managed("fabricVlan", dn, _UPSERT, name=name, id=str(vlan_id), sharing="none"))

    def _ensure_profile(self, spec: ProfileSpec, name: str) -> None:
        """The profile with its VLAN and its client, all at once."""
        dn = f"{PROFILES}/vnic-{name}"
        desired = {
            "descr": _NOT_IN_DESCR.sub(" ", f"netweft: {spec.name}")[:_DESCR_MAX],
            "hostNwIOPerf": "high-perf-reqd" if spec.high_performance else "none",
            "qosPolicyName": spec.qos_policy,
        }
        profile = self._session.resolve(dn).get(dn)
        references = {one["name"]: one for one in self._session.children(dn, "vnicEtherIf")} if profile else {}
        clients = {one["name"]: one for one in self._session.children(dn, "vmVnicProfCl")} if profile else {}
        changes = []
        if profile is None:
            changes.append(managed("vnicProfile", dn, _UPSERT, name=name, maxPorts=PORTS, **desired))
        elif any(profile.get(key) != value for key, value in desired.items()):
            changes.append(managed("vnicProfile", dn, _UPSERT, name=name, **desired))
        changes += [managed("vnicEtherIf", one["dn"], "deleted") for key, one in references.items() if key != name]
        if name not in references or references[name].get("defaultNet") != "yes":
            changes.append(managed("vnicEtherIf", f"{dn}/if-{name}", _UPSERT, name=name, defaultNet="yes"))
        client = clients.get(_CLIENT, {})
        if any(client.get(key) != value for key, value in _ANY.items()):
            changes.append(managed("vmVnicProfCl", f"{dn}/cl-{_CLIENT}", _UPSERT, name=_CLIENT, **_ANY))
        if changes:
            self._session.change(*changes)

    def remove_profile(self, owner: str) -> None:
        """The profile first, which the UCS Manager refuses while it takes a guest to use it; then our VLAN."""
        name = name_of(owner)
        dn = f"{PROFILES}/vnic-{name}"
        with translated_errors():
            if dn in self._session.resolve(dn):
                self._remove("vnicProfile", dn)
            if f"{LAN}/net-{name}" in self._session.resolve(f"{LAN}/net-{name}"):
                self._remove_vlan(name)

    def _remove_vlan(self, name: str) -> None:
        users = sorted(one["dn"] for one in self._session.resolve_class("vnicEtherIf", name=name))
        if users:
            text = f"VLAN {name} is used there by {', '.join(users[:3])}{' and others' if len(users) > 3 else ''}."  # noqa: PLR2004 - some
            raise RefusedError(f"{text} Take it from there first.")
        self._remove("fabricVlan", f"{LAN}/net-{name}")

    def _remove(self, class_id: str, dn: str) -> None:
        try:
            self._session.change(managed(class_id, dn, "deleted"))
        except UcsmError as error:
            if error.code != NOT_THERE:  # somebody was faster
                raise

    def system_classes(self) -> Sequence[SystemClass]:
        """The QoS system classes of Ethernet."""
        with translated_errors():
            return sorted((_system_class(one) for one in self._classes().values()), key=lambda one: one.name)

    def raise_mtu(self, system_class: str, mtu: int) -> SystemClass:
        """As the contract has it; a class that is not enabled carries nothing."""
        with translated_errors():
            found = self._classes().get(system_class)
            if found is None:
                raise MissingError(f"The UCS Manager has no QoS system class {system_class[:40]}.")
            before = _system_class(found)
            if not before.is_enabled:
                raise RefusedError(f"The QoS system class {system_class} is not enabled there.")
            if before.mtu >= mtu:
                return before
            self._session.change(managed(found["class"], found["dn"], "modified", mtu=str(mtu)))
            return _system_class(self._classes()[system_class])

    def ensure_member(self, owner: str, guid: str) -> None:
        """Guests join by the port profile's name."""
        raise RefusedError(f"Port {guid} joins port profile {name_of(owner)} by its name, when its guest starts.")

    def remove_member(self, owner: str, guid: str) -> None:
        """Guests leave by themselves."""
        raise RefusedError(f"Port {guid} leaves port profile {name_of(owner)} by itself, when its guest ends.")

    def _classes(self) -> dict[str, Object]:
        found = [one for class_id in _CLASS_IDS for one in self._session.children(CLASSES, class_id)]
        return {_class_name(one): one for one in found}

    def _mtus(self) -> dict[str, int]:
        """What frames of each QoS policy may have, by the policy's name; of those without one under the empty name."""
        classes = {name: _system_class(one) for name, one in self._classes().items()}
        egress = self._session.resolve_class("epqosEgress")
        of_policy = {one["dn"].split("/")[-2].removeprefix("ep-qos-"): one.get("prio", "") for one in egress}
        return {name: _carrying(classes, prio)[1] for name, prio in {**of_policy, "": BEST_EFFORT}.items()}

    def _mtu(self, spec: ProfileSpec) -> int:
        """What the network's frames may have. Raises MtuError, RefusedError without the policy."""
        system_class = BEST_EFFORT
        if spec.qos_policy:
            dn = f"{POLICIES}/ep-qos-{spec.qos_policy}"
            found = self._session.resolve(dn, f"{dn}/egress")
            if dn not in found:
                raise RefusedError(
                    f"The UCS Manager has no QoS policy {spec.qos_policy}. Make it there, or name another."
                )
            system_class = found.get(f"{dn}/egress", {}).get("prio", BEST_EFFORT)
        classes = {name: _system_class(one) for name, one in self._classes().items()}
        system_class, carried = _carrying(classes, system_class)
        if spec.mtu > carried:
            text = (
                f"QoS system class {system_class} of the fabric carries frames of {carried} octets, and the network has"
                f" an MTU of {spec.mtu}. Raise it for the whole fabric, or lower the network's."
            )
            raise MtuError(text, system_class=system_class)
        return carried


def _carrying(classes: dict[str, SystemClass], name: str) -> tuple[str, int]:
    """The class that carries what is to be in a class, and its MTU: best effort where that one is not enabled."""
    found = classes.get(name)
    if found is None or not found.is_enabled:
        found = classes.get(BEST_EFFORT, SystemClass(name=BEST_EFFORT, mtu=_MTUS["normal"]))
    return found.name, found.mtu


def _class_name(one: Object) -> str:
    return one["dn"].rpartition("/class-")[2]


def _system_class(one: Object) -> SystemClass:
    text = one.get("mtu", "")
    mtu = int(text) if text.isdecimal() else _MTUS.get(text, _MTUS["normal"])
    is_enabled = one["class"] == "qosclassEthBE" or one.get("adminState") == "enabled"
    return SystemClass(name=_class_name(one), mtu=mtu, is_enabled=is_enabled)


def _server_name(one: Object) -> str:
    """That of its service profile, or of the server itself."""
    profile = one.get("assignedToDn", "").rpartition("/ls-")[2]
    return profile or one.get("name", "") or one["dn"]


def _as_profile(one: Object, children: Sequence[Object], vlans: dict[str, int], carried: dict[str, int]) -> PortProfile:
    untagged = (c["name"] for c in children if c["class"] == "vnicEtherIf" and c.get("defaultNet") == "yes")
    return PortProfile(
        name=one["name"],
        owner=owner_of(one["name"]),
        vlan_id=vlans.get(next(untagged, "")),
        mtu=carried.get(one.get("qosPolicyName", ""), carried[""]),
    )
