"""Rollouts, and how clusters have changes go out."""

from __future__ import annotations

import sqlalchemy as sa

from api.refusals.site import IN_DEFAULT, Refusal, Site, Table
from netweft.core.host_request import AttachmentChange, Ref, SetupRequest
from netweft.engine.model.rollouts import rollouts

HOSTS = 2

V1 = "/netweft/v1"
STATUS, NOT_REVERSIBLE = "ROLLOUT_STATUS", "ROLLOUT_CANNOT_BE_REVERTED"


def prepare(site: Site) -> None:
    """Both hosts carry red, store and gone."""
    site.names["Default"] = site.client.first_id("/clusters")
    for number, name in enumerate(("red", "store", "gone"), 10):
        site.network(name, f"<vlan id='{number}'/>")
        site.attach(name)
    attachments = tuple(
        AttachmentChange(network=Ref(name=one), nic=Ref(name="eth1")) for one in ("red", "store", "gone")
    )
    for number in (1, 2):
        site.fleet.done(site.fleet.setup(SetupRequest(attachments=attachments), number))
    for name, vlan in (("red", 20), ("store", 21)):
        _rolled_out(site, name, f"<network><vlan id='{vlan}'/></network>")
    site.client.delete(site.filled("/networks/{gone}"))
    _ended(site, "removal")


def _rolled_out(site: Site, network: str, body: str) -> None:
    """Change a network on both hosts; the rollout is known by its name."""
    site.change(f"/networks/{{{network}}}", body)
    _ended(site, f"rollout of {network}")


def _ended(site: Site, name: str) -> None:
    site.fleet.rolled_out()
    with site.engine.db.read() as tx:
        site.names[name] = str(tx.scalar(sa.select(rollouts.c.id).order_by(rollouts.c.number.desc()).limit(1)))


def again(site: Site) -> None:
    """Change store once more, by a rollout that needs no name."""
    site.change("/networks/{store}", "<network><vlan id='31'/></network>")
    site.fleet.rolled_out()


def waiting(site: Site) -> None:
    """sim-2 waits for another VLAN of store, of a rollout that is halted, and could move to another cluster."""
    site.change("/clusters/{Default}", "<cluster><rollout_soak>3600</rollout_soak></cluster>")
    site.change("/networks/{store}", "<network><vlan id='41'/></network>")
    with site.engine.db.read() as tx:
        site.names["waiting"] = str(tx.scalar(sa.select(rollouts.c.id).order_by(rollouts.c.number.desc()).limit(1)))
    site.send(ask("", "halt", "waiting", "", ""))
    site.fleet.rolled_out()
    site.add("/clusters", f"<cluster><name>north</name>{IN_DEFAULT}</cluster>", "north")
    site.names["sim-2"] = site.fleet.id(2)
    site.fleet.set_status("maintenance", 2)


def policy(element: str, value: object, words: str) -> Refusal:
    body = f"<cluster><{element}>{value}</{element}></cluster>"
    return Refusal("rollout.policy_is_valid", "PUT", "/clusters/{Default}", body, "VALIDATION_ROLLOUT_POLICY", words)


def ask(rule: str, verb: str, of: str, code: str, words: str) -> Refusal:
    return Refusal(f"rollout.{rule}", "POST", f"{V1}/rollouts/{{{of}}}/{verb}", "{}", code, words)


TABLE: Table = (
    policy("rollout_canaries", -1, "not between 0 and 1000"),
    policy("rollout_wave", 0, "not between 1 and 1000"),
    policy("rollout_soak", 86401, "not between -1 and 86400"),
    policy("rollout_on_failure", "panic", "neither 'keep' nor 'revert'"),
    ask("may_be_halted", "halt", "rollout of red", STATUS, "cannot be halted: it is succeeded"),
    ask("may_be_resumed", "resume", "rollout of red", STATUS, "cannot be resumed: it is succeeded"),
    ask("may_be_reverted", "revert", "removal", NOT_REVERSIBLE, "detached or removed"),
    again,
    ask("is_unchanged_since", "revert", "rollout of store", NOT_REVERSIBLE, "changed again: store"),
    lambda site: site.update(rollouts, site.names["rollout of red"], status="superseded"),
    ask("may_be_reverted", "revert", "rollout of red", STATUS, "it is superseded"),
    waiting,
    Refusal(
        "host.waits_for_no_rollout",
        "PUT",
        "/hosts/{sim-2}",
        "<host><cluster id='{north}'/></host>",
        "HOST_WAITS_FOR_ROLLOUT",
        "waits for a change of its networks",
    ),
)
