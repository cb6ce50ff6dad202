"""Rules on the QoS of networks on hosts (oVirt's HostSetupNetworks, group M)."""

from __future__ import annotations

from netweft.core.errors import Problem
from netweft.core.host_request import FinalSet, HostView, Resolved
from netweft.core.intent import AttachmentIntent, HostQos, effective_qos
from netweft.core.keep import KEEP
from netweft.core.rules.qos import HOST_NETWORK, limits_are_complete, limits_are_consistent, limits_are_in_range

_CODES = {
    "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_MISSING_VALUES": (
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_SETUP_NETWORKS_MISSING_VALUES"
    ),
    "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INCONSISTENT_VALUES": (
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_SETUP_NETWORKS_INCONSISTENT_VALUES"
    ),
}
"""The message of SetupNetworks in place of those of the QoS commands."""


def own_qos_is_valid(one: Resolved, attachment: AttachmentIntent) -> Problem | None:
    """M: an attachment's own QoS is one that a data centre could have."""
    if one.change.qos is KEEP or attachment.qos is None:
        return None
    limits = _limits(attachment.qos)
    problem = limits_are_complete(HOST_NETWORK, limits) or limits_are_in_range(HOST_NETWORK, limits)
    problem = problem or limits_are_consistent(HOST_NETWORK, limits)
    if problem is None:
        return None
    name = one.network.name if one.network else ""
    code = _CODES.get(problem.code, problem.code)
    return Problem(code, f"The QoS of network '{name}' on this host is not valid. {problem.text}")


def _limits(qos: HostQos) -> dict[str, int | None]:
    return {
        "outbound_average_linkshare": qos.link_share,
        "outbound_average_upperlimit": qos.upper_limit,
        "outbound_average_realtime": qos.real_time,
    }


def all_or_none_have_qos(host: HostView, final: FinalSet, nic: str) -> Problem | None:
    """M: the networks of a NIC share it by their QoS, their own or the attachment's: all have one, or none."""
    here = [(attachment, host.networks[attachment.network_id]) for attachment in final.on(nic)]
    without = sorted(view.name for attachment, view in here if effective_qos(attachment, view.intent) is None)
    if not without or len(without) == len(here):
        return None
    text = f"Some networks on '{nic}' have a QoS, and these have none: {', '.join(without)}."
    return Problem(
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INTERFACES_WITHOUT_QOS", f"{text} Give all of them one, or none."
    )
