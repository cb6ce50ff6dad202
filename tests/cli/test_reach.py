"""Each operation of the API is reached by a verb of the command line, or is an exception with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from cli.commands import commands
from netweft.cli import nouns
from netweft.cli.noun_types import Noun

API = "/ovirt-engine/api"
DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.json"

VERBS = {
    "GET /clusters/{}/networks": "cluster networks",
    "POST /clusters/{}/networks": "cluster attach",
    "GET /clusters/{}/networks/{}": "cluster networks",
    "PUT /clusters/{}/networks/{}": "cluster change",
    "DELETE /clusters/{}/networks/{}": "cluster detach",
    "GET /hosts/{}/networkattachments": "host attachments",
    "GET /hosts/{}/networkattachments/{}": "host attachments",
    "POST /hosts/{}/networkattachments": "host setup-networks",
    "PUT /hosts/{}/networkattachments/{}": "host setup-networks",
    "DELETE /hosts/{}/networkattachments/{}": "host setup-networks",
    "GET /hosts/{}/nics": "host nics",
    "POST /hosts/{}/commitnetconfig": "host commit",
    "POST /hosts/{}/copyhostnetworks": "host copy-networks",
    "POST /hosts/{}/deactivate": "host deactivate",
    "POST /hosts/{}/install": "host install",
    "POST /hosts/{}/setupnetworks": "host setup-networks",
    "POST /hosts/{}/nics/{}/updatevirtualfunctionsconfiguration": "host functions",
    "GET /permissions": "permission list",
    "GET /users/{}/permissions": "user permission list",
    "GET /users/{}/permissions/{}": "user permission list",
    "GET /netweft/v1/rows/permissions": "permission list",
    "POST /permissions": "permission grant",
    "GET /permissions/{}": "permission list",
    "DELETE /permissions/{}": "permission revoke",
    "GET /events": "event list",
    "POST /events": "event add",
    "GET /jobs": "job list",
    "POST /jobs": "job add",
    "POST /users": "user add",
    "POST /vms/{}/start": "vm start",
    "POST /vms/{}/migrate": "vm migrate",
    "POST /vms/{}/previewsnapshot": "vm snapshot preview",
    "POST /vms/{}/commitsnapshot": "vm snapshot commit",
    "POST /vms/{}/undosnapshot": "vm snapshot undo",
    "GET /netweft/v1/events": "event follow",
    "GET /netweft/v1/find": "find",
    "GET /netweft/v1/overview": "overview",
    "GET /netweft/v1/hosts/{}/topology": "host topology",
    "GET /netweft/v1/fleet": "export",
    "GET /netweft/v1/fleet/nics": "apply",
    "GET /netweft/v1/hosts/{}/drift": "host drift",
    "GET /netweft/v1/hosts/{}/neighbours": "host nics",
    "POST /netweft/v1/hosts/{}/drift/adopt": "host adopt",
    "POST /netweft/v1/hosts/{}/drift/count": "host ignore",
    "POST /netweft/v1/hosts/{}/drift/ignore": "host ignore",
    "GET /netweft/v1/hosts/{}/history": "host history",
    "GET /netweft/v1/hosts/{}/history/{}": "host generation",
    "GET /netweft/v1/hosts/{}/unmanagednetworks": "host adopt-unmanaged",
    "POST /netweft/v1/hosts/{}/unmanagednetworks/adopt": "host adopt-unmanaged",
    "GET /netweft/v1/hosts/{}/history/{}/difference": "host diff",
    "POST /netweft/v1/hosts/{}/history/{}/restore": "host restore",
    "POST /netweft/v1/hosts/{}/enrollment": "host token",
    "GET /netweft/v1/jobs": "job list",
    "GET /netweft/v1/jobs/{}": "job show",
    "POST /netweft/v1/plans": "host setup-networks",
    "POST /netweft/v1/requestplans": "plan",
    "GET /netweft/v1/networks/{}/history": "network history",
    "GET /netweft/v1/rollouts": "rollout list",
    "GET /netweft/v1/rollouts/{}": "rollout show",
    "POST /netweft/v1/rollouts/{}/halt": "rollout halt",
    "POST /netweft/v1/rollouts/{}/resume": "rollout resume",
    "POST /netweft/v1/rollouts/{}/revert": "rollout revert",
    "PUT /netweft/v1/users/{}/password": "user set-password",
    "POST /openstacknetworkproviders/{}/importcertificates": "provider set",
    "GET /clusters/{}/externalnetworkproviders": "cluster show",
    "GET /netweft/v1/providers": "provider status",
    "GET /netweft/v1/providers/{}": "provider status",
    "GET /netweft/v1/providers/{}/objects": "provider objects",
    "GET /netweft/v1/providers/{}/orphans": "provider orphans",
    "DELETE /netweft/v1/providers/{}/orphans/{}": "provider remove-orphan",
    "POST /openstacknetworkproviders/{}/networks/{}/import": "provider network import",
    "POST /netweft/v1/configurationproviders/{}/test": "configuration-provider test",
    "GET /netweft/v1/configurationproviders/{}/objects": "configuration-provider objects",
    "GET /netweft/v1/configurationproviders/{}/systemclasses": "configuration-provider classes",
    "POST /netweft/v1/configurationproviders/{}/raisemtu": "configuration-provider raise-mtu",
    "GET /netweft/v1/networks": "network list",
    "GET /netweft/v1/networks/{}": "network show",
    "GET /netweft/v1/networks/{}/usage": "network usage",
    "GET /netweft/v1/networks/{}/hosts": "network hosts",
    "GET /netweft/v1/matrix": "network matrix",
    "GET /netweft/v1/rights": "rights",
    "GET /netweft/v1/ssh-key": "host ssh-key",
    "GET /netweft/v1/vms/{}/nics": "vm nic list",
    "GET /netweft/v1/vms/{}/migration": "vm migrate",
    "GET /netweft/v1/vms/{}/placement": "vm placement",
    "POST /ovirt-engine/services/sso-logout": "logout",
}
"""Operations of verbs that are written by hand; paths without a root are below that of oVirt's API. Those of the usual
verbs and of actions follow from the table of nouns.
"""

_CHILD = "the entities of one parent, which the list of all entities has too"
_EMPTY = "a collection that is empty or constant here, for clients of oVirt"
_TOGETHER = "what several lists tell, in one answer for screens"
_CONSTANT = ("schedulingpolicies", "storagedomains")
EXCEPTIONS = {
    "GET /": "the list of the other paths, for clients that follow links",
    "GET /openapi.json": "the description of the API, for programs",
    "GET /netweft/v1/ca.pem": "read without a login before the engine can be trusted, see docs/install.md",
    "POST /netweft/v1/enroll": "for agents",
    "POST /ovirt-engine/sso/oauth/token": "the log-in, which every command does by itself",
    "GET /hosts/{}/nics/{}/linklayerdiscoveryprotocolelements": "oVirt's form of what 'host nics -o json' tells",
    "GET /netweft/v1/hosts/{}/networking": _TOGETHER,
    "GET /clusters/{}/networkfilters": _CHILD,
    "GET /datacenters/{}/clusters": _CHILD,
    "GET /vms/{}/nics/{}/reporteddevices": "part of what 'vm reported-device list' shows",
    "GET /vms/{}/statistics": _EMPTY,
    **{f"GET /{path}": _EMPTY for path in _CONSTANT},
    **{f"GET /{path}/{{}}": _EMPTY for path in _CONSTANT},
    **{f"GET /vms/{{}}/{path}": _EMPTY for path in ("affinitylabels", "diskattachments", "numanodes")},
    "GET /templates/{}/diskattachments": _EMPTY,
    "GET /datacenters/{}/storagedomains": _EMPTY,
}
TWINS = {
    "/datacenters/{}/networks": "/networks",
    "/networks/{}/vnicprofiles": "/vnicprofiles",
    "/hosts/{}/nics/{}/networkattachments": "/hosts/{}/networkattachments",
    "/netweft/v1/networks/{}/portprofiles": "/netweft/v1/portprofiles",
}
"""Collections below a parent, and the collections that have the same operations on the same entities."""


def operations() -> set[str]:
    found = set()
    for path, methods in json.loads(DOCUMENT.read_text())["paths"].items():
        plain = re.sub(r"{\w+}", "{}", path).removeprefix(API) or "/"
        found |= {f"{method.upper()} {plain}" for method in methods if method != "parameters"}
    return found


def path_of(noun: Noun) -> str:
    return f"{path_of(nouns.noun(noun.parent))}/{{}}/{noun.path}" if noun.parent else f"/{noun.path}"


def reached_by(noun: Noun, verbs: set[str]) -> Iterator[tuple[str, str]]:
    """What the usual verbs and the actions of a noun reach. A list shows each entity with all that there is of it."""
    path = path_of(noun)
    if noun.is_addition:
        path = f"/netweft/v1{path}"
    one = f"/netweft/v1/{noun.path}/{{}}" if noun.is_addition else f"{path}/{{}}"
    usual = {
        "list": "GET {}",
        "show": "GET {one}",
        "add": "POST {}",
        "set": "PUT {one}",
        "remove": "DELETE {one}",
    }
    for verb, operation in usual.items():
        if (command := f"{noun.name} {verb}") in verbs:
            yield operation.format(path, one=one), command
    if "show" not in noun.verbs and f"{noun.name} list" in verbs:
        yield f"GET {one}", f"{noun.name} list"
    if noun.counts:
        yield f"GET /netweft/v1/rows/{noun.name}s", f"{noun.name} counts"
    for action in noun.actions:
        yield f"POST {path}/{{}}/{action.path}", f"{noun.name} {action.verb}"
    for operation in ("GET", "POST", "GET {}", "DELETE {}"):
        method, _, one = operation.partition(" ")
        below = f"{method} {path}/{{}}/permissions{'/' + one if one else ''}"
        yield below, VERBS[f"{method} /permissions{'/' + one if one else ''}"]


def test_each_operation_of_the_api_is_reached_by_a_verb() -> None:
    verbs, found = {path for path, _ in commands()}, operations()
    reached = {operation: verb for noun in nouns.NOUNS for operation, verb in reached_by(noun, verbs)} | VERBS
    for below, above in TWINS.items():
        pattern = re.compile(rf"(\w+ ){re.escape(above)}((?:/{{}})?)")
        matches = [(pattern.fullmatch(operation), verb) for operation, verb in reached.items()]
        reached |= {f"{match[1]}{below}{match[2]}": verb for match, verb in matches if match}
    missing = sorted(found - reached.keys() - EXCEPTIONS.keys())
    assert not missing, f"no verb reaches {missing}: add one, or say here which does, or why none does"
    assert {reached[operation] for operation in found & reached.keys()} <= verbs
    assert VERBS.keys() | EXCEPTIONS.keys() <= found, "an operation named here is gone"
    assert not reached.keys() & EXCEPTIONS.keys(), "these are no exceptions any more"


def test_a_list_is_searched_by_the_engine_where_the_api_can() -> None:
    searched = set()
    for path, methods in json.loads(DOCUMENT.read_text())["paths"].items():
        if any(one.get("name") == "search" for one in methods.get("get", {}).get("parameters", ())):
            searched.add(re.sub(r"{\w+}", "{}", path).removeprefix(API))
    verbs = {path for path, _ in commands()}
    listed = [noun for noun in nouns.NOUNS if "list" in noun.verbs and f"{noun.name} list" in verbs]
    wrong = {
        noun.name: noun.searchable
        for noun in listed
        if noun.searchable != ((f"/netweft/v1{path_of(noun)}" if noun.is_addition else path_of(noun)) in searched)
    }
    assert wrong == {"qos": False}, "the list of QoS is put together from those of all data centres"
