"""QoS of data centres."""

from __future__ import annotations

from api.refusals.site import Refusal, Site, Table

HOSTS = 0

RANGE = "ACTION_TYPE_FAILED_QOS_OUT_OF_RANGE_VALUES"
MISSING = "ACTION_TYPE_FAILED_NETWORK_QOS_MISSING_VALUES"
PAIR = {"inbound_average": 10, "inbound_peak": 20, "inbound_burst": 5}


def prepare(site: Site) -> None:
    site.names["dc"] = site.client.first_id("/datacenters")
    site.add("/datacenters/{dc}/qoss", "<qos><name>calm</name><type>network</type></qos>", "calm")
    site.add("/datacenters/{dc}/qoss", "<qos><name>other</name><type>network</type></qos>", "other")


def add(rule: str, code: str, words: str, kind: str = "network", name: str = "q", **limits: int) -> Refusal:
    inside = "".join(f"<{limit}>{value}</{limit}>" for limit, value in limits.items())
    body = f"<qos><name>{name}</name><type>{kind}</type>{inside}</qos>"
    return Refusal(rule, "POST", "/datacenters/{dc}/qoss", body, code, words)


def change(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", "/datacenters/{dc}/qoss/{other}", f"<qos>{body}</qos>", code, words)


TABLE: Table = (
    add("fields.name_is_valid", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "name may not be empty", name=""),
    add("qos.name_is_free", "ACTION_TYPE_FAILED_QOS_NAME_EXIST", "'calm' is already used", name="calm"),
    change("qos.name_is_free", "<name>calm</name>", "ACTION_TYPE_FAILED_QOS_NAME_EXIST", "'calm' is already used"),
    add("qos.type_is_known", "ACTION_TYPE_FAILED_NETWORK_QOS_IS_NOT_SUPPORTED", "'cpu' is not possible", "cpu"),
    change(
        "qos.type_is_kept",
        "<type>hostnetwork</type>",
        "ACTION_TYPE_FAILED_QOS_NOT_FOUND",
        "cannot become one of the type 'hostnetwork'",
    ),
    add("qos.limits_fit_type", RANGE, "has no outbound_average_linkshare", outbound_average_linkshare=1),
    add("qos.limits_fit_type", RANGE, "has no inbound_peak", "hostnetwork", inbound_peak=1),
    add("qos.limits_are_in_range", RANGE, "inbound_average cannot be 17180", **{**PAIR, "inbound_average": 17180}),
    add(
        "qos.limits_are_in_range",
        "ACTION_TYPE_FAILED_NETWORK_QOS_NEGATIVE_VALUES",
        "inbound_burst cannot be -1",
        **{**PAIR, "inbound_burst": -1},
    ),
    add("qos.limits_are_in_range", RANGE, "Use 1 to 100", "hostnetwork", outbound_average_linkshare=101),
    add("qos.limits_are_complete", MISSING, "The inbound traffic needs average, peak and burst", inbound_average=1),
    change("qos.limits_are_complete", "<inbound_peak>1</inbound_peak>", MISSING, "needs average, peak and burst"),
    add(
        "qos.limits_are_complete",
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_MISSING_VALUES",
        "needs outbound_average_linkshare",
        "hostnetwork",
    ),
    add(
        "qos.limits_are_consistent",
        "ACTION_TYPE_FAILED_NETWORK_QOS_PEAK_LOWER_THAN_AVERAGE",
        "The inbound peak of 9 Mbit/s is below the average of 10",
        **{**PAIR, "inbound_peak": 9},
    ),
    add(
        "qos.limits_are_consistent",
        "ACTION_TYPE_FAILED_HOST_NETWORK_QOS_INCONSISTENT_VALUES",
        "The upper limit of 1 Mbit/s is below the promised 2 Mbit/s",
        "hostnetwork",
        outbound_average_linkshare=1,
        outbound_average_upperlimit=1,
        outbound_average_realtime=2,
    ),
)
