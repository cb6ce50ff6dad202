"""The state and the rules of the emulated UCS Manager: the schema, objects by name, users and their sessions."""

from __future__ import annotations

import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from ucsmsdk.ucscoreutils import load_class
from ucsmsdk.ucsmeta import MO_CLASS_ID

GUESSES = {
    "all or nothing": "a configConfMos of which one object is refused changes nothing",
    "upsert": "status created,modified makes an object or changes it, also where another request was faster",
    "vlan id in place": "the id of a fabricVlan can be changed without making it anew",
    "vlan overlap": "two fabricVlan of the LAN cloud may have one id",
    "vlan in use": "a fabricVlan goes while vnicEtherIf name it; these are unresolved then",
    "profile in use": "removing a vnicProfile that a vmNic names is refused with code 170 until the vmNic is gone",
    "privileges": "a user without the privilege of a class is refused with code 552",
    "reserved": "an id of fabricReservedVlan is refused with code 150",
    "mtu of disabled class": "traffic of a class that is not enabled is carried as best effort",
}
"""Assumptions that have to be compared with a real one."""

XML_ERROR = "ERR-xml-parse-error"
DEFAULTS = {
    "fabricVlan": {
        "sharing": "none",
        "defaultNet": "no",
        "operState": "ok",
        "configOverlap": "ok",
        "ifRole": "network",
    },
    "vnicProfile": {"hostNwIOPerf": "none", "maxPorts": "64", "type": "regular", "configQualifier": "normal"},
    "vnicEtherIf": {"defaultNet": "no", "configQualifier": ""},
    "epqosEgress": {"prio": "best-effort", "rate": "line-rate", "burst": "10240", "hostControl": "none"},
}
BLADES = ("sys/chassis-1/blade-1", "sys/chassis-1/blade-2")
RANGES = {"byte": 255, "ushort": 65535, "uint": 4294967295, "ulong": 18446744073709551615}
NUMBERS = re.compile(r"(-?\d+)-(-?\d+)")


class RefusalError(Exception):
    """An error of the API. ``code``: that of the API; ``is_root``: sent as a root element of its own."""

    def __init__(self, code: str, text: str, *, is_root: bool = False) -> None:
        super().__init__(text)
        self.code, self.text, self.is_root = code, text, is_root


@dataclass
class Mo:
    """A managed object."""

    class_id: str
    dn: str
    values: dict[str, str] = field(default_factory=dict)


class Schema:
    """The description of a class in ucsmsdk."""

    def __init__(self, class_id: str) -> None:
        name = class_id[:1].upper() + class_id[1:]
        if name not in MO_CLASS_ID and class_id not in MO_CLASS_ID:
            raise RefusalError(XML_ERROR, f"XML PARSING ERROR: no class named {class_id}", is_root=True)
        self.class_id = class_id
        known = load_class(name)
        self.meta = known.mo_meta
        self.properties = {one.xml_attribute: one for one in known.prop_meta.values()}

    def check(self, name: str, value: str) -> None:
        """Raises RefusalError for an invalid value of the property."""
        one = self.properties.get(name)
        if one is None:
            raise RefusalError(
                XML_ERROR,
                f"XML PARSING ERROR: Element '{self.class_id}', attribute '{name}': not allowed.",
                is_root=True,
            )
        limits = one.restriction
        if value in (limits.value_set or ()):
            return
        for text in limits.range_val or ():
            low, high = NUMBERS.fullmatch(text).groups()  # type: ignore[union-attr]
            if re.fullmatch(r"-?\d+", value) and int(low) <= int(value) <= int(high):
                return
        if limits.pattern and re.fullmatch(limits.pattern, value):
            return
        if not (limits.value_set or limits.range_val or limits.pattern):
            top = RANGES.get(one.field_type)
            if top is not None and value.isdecimal() and int(value) <= top:
                return
            if top is None and len(value) <= int(limits.max_length or 1_000_000):
                return
        text = f"XML PARSING ERROR: Element '{self.class_id}', attribute '{name}': The value '{value}' is not valid."
        raise RefusalError(XML_ERROR, text, is_root=True)

    def rn(self, values: dict[str, str]) -> str:
        """The relative name of an object with these values."""
        return re.sub(r"\[(\w+)\]", lambda found: values[found[1]], str(self.meta.rn))


SCHEMAS: dict[str, Schema] = {}


def schema(class_id: str) -> Schema:
    if class_id not in SCHEMAS:
        SCHEMAS[class_id] = Schema(class_id)
    return SCHEMAS[class_id]


def parent_of(dn: str) -> str:
    """The name of the parent: a slash in brackets, or in a name of a VLAN, does not count."""
    return dn.rpartition("/")[0]


Tree = dict[str, Mo]


def initial() -> Tree:
    """The objects of a new domain: two interconnects, the LAN cloud with the default VLAN, QoS classes, blades with a
    VIC.
    """
    listed: list[tuple[str, str, dict[str, str]]] = [
        ("topSystem", "sys", {"name": "emulated", "mode": "cluster"}),
        ("networkElement", "sys/switch-A", {"id": "A", "model": "UCS-FI-6454"}),
        ("networkElement", "sys/switch-B", {"id": "B", "model": "UCS-FI-6454"}),
        ("fabricLanCloud", "fabric/lan", {"mode": "end-host"}),
        ("fabricVlan", "fabric/lan/net-default", {"name": "default", "id": "1", "defaultNet": "yes"}),
        ("fabricReservedVlan", "fabric/lan/fab-reserved-vlans", {"startId": "3915", "endId": "4042"}),
        ("vnicProfileSet", "fabric/lan/profiles", {}),
        ("qosclassDefinition", "fabric/lan/classes", {}),
        (
            "qosclassEthBE",
            "fabric/lan/classes/class-best-effort",
            {"mtu": "normal", "weight": "5", "priority": "best-effort"},
        ),
        ("orgOrg", "org-root", {"name": "root"}),
    ]
    for number, name in enumerate(("platinum", "gold", "silver", "bronze")):
        state = "enabled" if name == "gold" else "disabled"
        values = {"mtu": "9216" if name == "gold" else "normal", "adminState": state, "priority": name}
        listed.append(("qosclassEthClassified", f"fabric/lan/classes/class-{name}", {**values, "cos": str(number)}))
    for policy, prio in (("gold", "gold"), ("plain", "best-effort"), ("silver", "silver")):
        listed.append(("epqosDefinition", f"org-root/ep-qos-{policy}", {"name": policy}))
        listed.append(("epqosEgress", f"org-root/ep-qos-{policy}/egress", {"prio": prio}))
    for number, blade in enumerate(BLADES, 1):
        profile = f"org-root/ls-host{number}"
        hardware = f"4C4C4544-0000-4000-8000-00000000000{number}"
        listed.append(("lsServer", profile, {"name": f"host{number}", "pnDn": blade, "uuid": "derived"}))
        values = {"slotId": str(number), "chassisId": "1", "uuid": hardware, "assignedToDn": profile}
        listed.append(("computeBlade", blade, values))
        listed.append(("adaptorUnit", f"{blade}/adaptor-1", {"id": "1", "model": "N20-AC0002"}))
    return {dn: Mo(class_id, dn, {**DEFAULTS.get(class_id, {}), **values}) for class_id, dn, values in listed}


@dataclass
class Fault:
    """``kind``: the fault of a request for ``method`` (empty: any), ``times`` times."""

    kind: str
    method: str = ""
    times: int = 1


@dataclass
class Domain:
    """One UCS Manager. ``users``: password and privileges by name."""

    users: dict[str, tuple[str, frozenset[str]]]
    sessions_max: int = 32
    lifetime: float = 600.0
    tree: Tree = field(default_factory=initial)
    cookies: dict[str, tuple[str, float]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def fault_of(self, method: str) -> str:
        with self.lock:
            self.seen.append(method)
            for one in self.faults:
                if one.times and one.method in ("", method):
                    one.times -= 1
                    return one.kind
            return ""

    def user_of(self, cookie: str) -> str:
        """Raises RefusalError for a session that has ended."""
        name, until = self.cookies.get(cookie, ("", 0.0))
        if time.monotonic() > until:
            self.cookies.pop(cookie, None)
            raise RefusalError("552", "Authorization required")
        return name

    def log_in(self, request: ET.Element) -> dict[str, str]:
        name = request.get("inName", "")
        password, privileges = self.users.get(name, ("", frozenset()))
        if not password or request.get("inPassword") != password:
            raise RefusalError("551", "Authentication failed")
        now = time.monotonic()
        self.cookies = {one: kept for one, kept in self.cookies.items() if kept[1] > now}
        if sum(kept[0] == name for kept in self.cookies.values()) >= self.sessions_max:
            raise RefusalError("572", "User reached maximum session limit")
        return self._session(name, privileges)

    def refresh(self, request: ET.Element) -> dict[str, str]:
        if request.get("inCookie") is None:
            raise RefusalError(
                XML_ERROR, "XML PARSING ERROR: attribute 'inCookie' is required but missing.", is_root=True
            )
        name = self.user_of(request.get("inCookie", ""))
        if request.get("inName") != name or request.get("inPassword") != self.users[name][0]:
            raise RefusalError("551", "Authentication failed")
        del self.cookies[request.get("inCookie", "")]
        return self._session(name, self.users[name][1])

    def _session(self, name: str, privileges: frozenset[str]) -> dict[str, str]:
        cookie = f"{int(time.time())}/{uuid.uuid4()}"
        self.cookies[cookie] = name, time.monotonic() + self.lifetime
        return {
            "outCookie": cookie,
            "outRefreshPeriod": str(int(self.lifetime)),
            "outPriv": ",".join(sorted(privileges)) or "read-only",
            "outDomains": "org-root",
            "outChannel": "noencssl",
            "outEvtChannel": "noencssl",
            "outSessionId": "",
            "outVersion": "4.2(3d)",
            "outName": "",
        }

    def log_out(self, request: ET.Element) -> dict[str, str]:
        if self.cookies.pop(request.get("inCookie", ""), None) is None:
            raise RefusalError("555", "Session not found")
        return {"outStatus": "success"}

    def configure(self, user: str, objects: list[ET.Element]) -> list[Mo]:
        """Apply objects to a copy, which is the tree when all went well."""
        with self.lock:
            before, self.tree = self.tree, {dn: Mo(one.class_id, dn, dict(one.values)) for dn, one in self.tree.items()}
            try:
                found = [done for one in objects for done in self._apply(user, one, "", "modified")]
                self._settle()
            except Exception:
                self.tree = before
                raise
            return found

    def _apply(self, user: str, element: ET.Element, above: str, inherited: str) -> list[Mo]:
        known = schema(element.tag)
        given = {key: value for key, value in element.items() if key not in {"dn", "rn", "status"}}
        for key, value in given.items():
            known.check(key, value)
        dn = element.get("dn") or f"{above}/{element.get('rn') or known.rn(given)}"
        said = element.get("status") or inherited
        status = set(said.split(","))
        self._require(user, known, dn, status)
        found = self.tree.get(dn)
        if "deleted" in status:
            return [self._delete(known, dn, found)]
        if found is None and "created" not in status:
            raise RefusalError("102", f"configured object ({dn}) not found")
        if found is not None and "modified" not in status:
            raise RefusalError("103", "Cannot create; object already exists.")
        if found is None:
            found = self._create(known, dn)
        for key, value in given.items():
            self._set(known, found, key, value)
        return [found, *(one for child in element for one in self._apply(user, child, dn, said))]

    def _require(self, user: str, known: Schema, dn: str, status: set[str]) -> None:
        if not self.users[user][1] & set(known.meta.access):
            raise RefusalError("552", f"User {user} has no privilege for {known.class_id}.")
        needed = {"created": "Add", "deleted": "Remove", "modified": "Set"}
        if not any(needed[one] in known.meta.verbs for one in status & needed.keys()):
            raise RefusalError(
                "105", f"Cannot create non-creatable object of class:{known.class_id} under {parent_of(dn)}"
            )

    def _delete(self, known: Schema, dn: str, found: Mo | None) -> Mo:
        if found is None or found.class_id != known.class_id:
            raise RefusalError("102", f"configured object ({dn}) not found")
        if dn == "fabric/lan/net-default":
            raise RefusalError("150", "The default VLAN cannot be deleted.")
        used = (one for one in self.tree.values() if one.class_id == "vmNic")
        if found.class_id == "vnicProfile" and any(
            one.values.get("profileName") == found.values["name"] for one in used
        ):
            raise RefusalError("170", f"Port profile {found.values['name']} is in use.")
        for one in [one for one in self.tree if one == dn or one.startswith(f"{dn}/")]:
            del self.tree[one]
        return found

    def _create(self, known: Schema, dn: str) -> Mo:
        above = self.tree.get(parent_of(dn))
        if above is None:
            raise RefusalError("102", f"configured object ({parent_of(dn)}) not found")
        if above.class_id not in known.meta.parents:
            raise RefusalError("105", f"Cannot create object of class:{known.class_id} under {above.class_id}")
        pattern = re.sub(r"\\\[(\w+)\\\]", r"(?P<\1>.+)", re.escape(str(known.meta.rn)))
        named = re.fullmatch(pattern, dn.removeprefix(f"{above.dn}/"))
        if named is None:
            raise RefusalError("102", f"{dn} is no name for an object of class {known.class_id}")
        for key, value in named.groupdict().items():
            known.check(key, value)
        made = Mo(known.class_id, dn, {**DEFAULTS.get(known.class_id, {}), **named.groupdict()})
        self.tree[dn] = made
        return made

    def _set(self, known: Schema, found: Mo, key: str, value: str) -> None:
        access = known.properties[key].access
        is_new = key not in found.values or found.values[key] in {value, DEFAULTS.get(known.class_id, {}).get(key)}
        if access in {"Naming", "CreateOnly"} and not is_new:
            raise RefusalError("120", f"Property {key} of {found.dn} cannot be changed.")
        if access in {"ReadOnly", "Internal"} and found.values.get(key, "") != value:
            raise RefusalError("120", f"Property {key} of {found.dn} is read-only.")
        found.values[key] = value

    def _settle(self) -> None:
        """Apply the consequences. Raises RefusalError for contradictions."""
        vlans = {one.values["name"]: one for one in self.tree.values() if one.class_id == "fabricVlan"}
        reserved = self.tree["fabric/lan/fab-reserved-vlans"].values
        for one in vlans.values():
            if "id" not in one.values:
                raise RefusalError("150", f"VLAN {one.values['name']} has no id.")
            if int(reserved["startId"]) <= int(one.values["id"]) <= int(reserved["endId"]):
                raise RefusalError("150", f"VLAN id {one.values['id']} is reserved.")
        for one in self.tree.values():
            if one.class_id == "vnicEtherIf":
                vlan = vlans.get(one.values["name"])
                one.values["vnet"] = vlan.values["id"] if vlan else "1"
                one.values["operVnetDn"] = vlan.dn if vlan else ""
                one.values["configQualifier"] = "" if vlan else "unresolved-vlan-name"
            elif one.class_id == "vnicProfile":
                policy = f"org-root/ep-qos-{one.values.get('qosPolicyName', '')}"
                one.values["operQosPolicyName"] = policy if policy in self.tree else ""
