"""Where a virtual machine can run and why not elsewhere, and what its migration would need: additions of Netweft."""

from __future__ import annotations

import msgspec

from netweft.api.request_fields import require_visible
from netweft.api.routes import ADDITIONS, READ, Call, Routes
from netweft.core.errors import Problem
from netweft.engine.access.objects import ObjectType
from netweft.engine.commands.migrations import preflight
from netweft.engine.model.hosts import hosts
from netweft.engine.queries import placements
from netweft.engine.queries import vms as queries
from netweft.engine.queries.hosts import HOSTS, called
from netweft.engine.queries.references import Ref, resolve

routes = Routes("vms", ADDITIONS)


class Reason(msgspec.Struct, kw_only=True, frozen=True):
    """A reason: oVirt's code where it has one, and a text."""

    code: str
    text: str


class FitHost(msgspec.Struct, kw_only=True, frozen=True):
    """A host that fits. ``total``: the weighted mean of its ``scores``, each from 0 to 100 (best)."""

    id: str
    name: str
    total: float
    scores: dict[str, float]


class UnfitHost(msgspec.Struct, kw_only=True, frozen=True):
    """A host that does not fit, with every reason."""

    id: str
    name: str
    reasons: list[Reason]


class Placement(msgspec.Struct, kw_only=True, frozen=True):
    """All hosts of the machine's cluster: those that fit, best first, and the others."""

    fit: list[FitHost]
    unfit: list[UnfitHost]


class Offer(msgspec.Struct, kw_only=True, frozen=True):
    """A network that the migration may first set up on the target, and the NIC that would carry it."""

    network: str
    nic: str


class Migration(msgspec.Struct, kw_only=True, frozen=True):
    """The result of planning a migration. ``possible``: it can start at once; ``possible_after_setup``: it can with the
    action's ``force``, which first sets up the networks of ``offer``. ``address``: where the memory is sent to (empty:
    the target's own address); ``bandwidth``: MiB a second, 0 for no limit.
    """

    host: str
    possible: bool
    possible_after_setup: bool
    reasons: list[Reason]
    offer: list[Offer]
    address: str
    bandwidth: int


def _reasons(problems: tuple[Problem, ...]) -> list[Reason]:
    return [Reason(code=problem.code, text=problem.text) for problem in problems]


@routes.get("/vms/{vm_id}/placement", Placement, needs=READ)
def get_placement(call: Call[None]) -> Placement:
    """Where the machine can run, and why not elsewhere. One that runs is looked at as if it were down."""
    vm_id = call.ids["vm_id"]
    with call.read() as tx:
        require_visible(tx, call, ObjectType.VM, vm_id)
        choice = placements.choice(tx, queries.get(tx, vm_id), queries.vnics_of(tx, (vm_id,))[vm_id])
        names = HOSTS.names(tx, choice.refusals)
    return Placement(
        fit=[FitHost(id=one.host_id, name=one.name, total=one.total, scores=one.scores) for one in choice.ranking],
        unfit=[
            UnfitHost(id=host_id, name=names[host_id], reasons=_reasons(problems))
            for host_id, problems in sorted(choice.refusals.items(), key=lambda item: names[item[0]])
        ],
    )


@routes.get("/vms/{vm_id}/migration", Migration, needs=READ, queries=("host",))
def get_migration(call: Call[None]) -> Migration:
    """Plan a migration to the host with the given id or name, or else to the best one."""
    vm_id, requested_host = call.ids["vm_id"], call.query.text("host")
    with call.read() as tx:
        require_visible(tx, call, ObjectType.VM, vm_id)
        host_id = ""
        if requested_host:
            host_id = called(tx, requested_host) or resolve(tx, hosts, Ref(name=requested_host), "host")
            require_visible(tx, call, ObjectType.HOST, host_id)
        found = preflight(tx, vm_id, host_id)
    return Migration(
        host=found.host_name,
        possible=not found.problems,
        possible_after_setup=not found.lasting,
        reasons=_reasons(found.problems),
        offer=[Offer(network=change.network.name, nic=change.nic.name) for change in found.offer],
        address=found.address,
        bandwidth=found.bandwidth,
    )
