"""Checks that a change of a network, its roles or a QoS violates no rule of network setup on the hosts that have it.

A command calls :func:`watch` (or :func:`watch_hosts`) before, and :func:`check_hosts` (or
:func:`netweft.engine.commands.hosts.follow`) after it writes its rows: a violated rule refuses the command, and the
transaction is rolled back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from netweft.core.errors import BusyError, Problem
from netweft.core.host_request import HostView
from netweft.core.rules import check
from netweft.core.rules.fields import listed
from netweft.core.rules.host_consistency import new_violations, violations
from netweft.core.rules.setup_networks import Violation
from netweft.engine.db import Tx
from netweft.engine.operations.host_changes import lock_hosts
from netweft.engine.operations.rollouts import HostInputs, snapshot
from netweft.engine.queries.cluster_networks import lock_to_change
from netweft.engine.queries.host_networks import wanted
from netweft.engine.queries.networks import concerned

_WANTED, _COMING = "wanted", "coming"
_State = tuple[str, str]
"""A host's id, and which state: the desired one, or the one that a change in progress will bring (coming)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Hosts (names by id) that a request may affect by ``networks``, with the rules that they violate and the
    definitions that they depend on before it.
    """

    action: str
    names: Mapping[str, str]
    networks: frozenset[str] = frozenset()
    before: Mapping[_State, Mapping[Violation, Problem]]
    inputs: HostInputs


def watch(tx: Tx, action: str, network_ids: Collection[str]) -> Watch:
    """Lock and check the hosts that carry one of the networks or are about to.

    Raises BusyError when another host gets one at the same moment: hosts must be locked before networks.
    """
    if not network_ids:
        return watch_hosts(tx, action, {})
    names = concerned(tx, network_ids)
    lock_hosts(tx, names)
    lock_to_change(tx, network_ids)
    newcomers = {host_id: name for host_id, name in concerned(tx, network_ids).items() if host_id not in names}
    if newcomers:
        raise BusyError(
            "Related operation is currently in progress: a network of this request is being set up on"
            f" {listed(newcomers.values())}. Try again later."
        )
    before = {state: violations(view) for state, view in _views(tx, names).items()}
    inputs = snapshot(tx, names, network_ids)
    return Watch(action=action, names=names, networks=frozenset(network_ids), before=before, inputs=inputs)


def watch_hosts(tx: Tx, action: str, names: Mapping[str, str]) -> Watch:
    """Lock and check hosts, given with their names by id."""
    lock_hosts(tx, names)
    before = {state: violations(view) for state, view in _views(tx, names).items()}
    return Watch(action=action, names=names, before=before, inputs=snapshot(tx, names, ()))


def check_hosts(tx: Tx, watched: Watch, passed: Collection[str] = ()) -> dict[tuple[str, Problem], str]:
    """Raise ValidationError when a host violates a rule that it did not violate before; the message names the hosts.

    ``passed``: names of rules on NICs that may be violated, except by a change in progress. Their problems are
    returned, with the host's id, and its name: also earlier ones, on a NIC that carries a network of the request.
    """
    left: dict[tuple[str, Problem], str] = {}
    refused: dict[Problem, list[str]] = {}
    for state, view in _views(tx, watched.names).items():
        found = violations(view)
        new = new_violations(watched.before.get(state, watched.before[view.id, _WANTED]), found)
        nics = {one.nic for one in view.intent.attachments if one.network_id in watched.networks}
        for (rule, subject), problem in found.items():
            is_new, may_be = (rule, subject) in new, rule in passed and state[1] == _WANTED
            if may_be and (is_new or subject in nics):
                left[view.id, problem] = view.name
            elif not may_be and is_new and view.name not in refused.setdefault(problem, []):
                refused[problem].append(view.name)
    check(watched.action, *(_on(problem, names) for problem, names in refused.items()))
    return left


def _on(problem: Problem, names: Collection[str]) -> Problem:
    return replace(problem, text=f"On Host {listed(names)}: {problem.text}")


def _views(tx: Tx, host_ids: Collection[str]) -> dict[_State, HostView]:
    found: dict[_State, HostView] = {}
    for view in wanted(tx, host_ids) if host_ids else ():
        found[view.id, _COMING if (view.id, _WANTED) in found else _WANTED] = view
    return found
