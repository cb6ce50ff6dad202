"""Every list and text of every request is bounded, so that no request is heavier than any that is meant."""

from __future__ import annotations

from typing import Any

import pytest

from api.walk import ROUTES, filled
from netweft.api import codec, json_codec
from netweft.api.codec import Form
from netweft.api.routes import ADDITIONS
from netweft.api.scalars import TEXT_MAX, TOO_LONG
from netweft.api.schema import LIST_MAX, Field, Value, fields_of, reachable
from netweft.core.errors import MalformedError

TAKEN = reachable(route.takes for route in ROUTES if route.takes is not None and route.root != ADDITIONS)
LISTS = [(kind, field) for kind in TAKEN for field in fields_of(kind) if field.many]
MEANT = 500
"""Items of the longest list that a command does something with."""

ONLY_SENT_BACK = {
    "Cluster.network_filters", "Cluster.networks", "Cluster.permissions", "ClusterNetwork.network_labels",
    "ClusterNetwork.permissions", "ClusterNetwork.vnic_profiles", "DataCenter.clusters", "DataCenter.networks",
    "DataCenter.permissions", "DataCenter.qoss", "Host.network_attachments", "Host.nics", "Host.permissions",
    "Host.statistics", "Host.tags", "Host.unmanaged_networks", "HostNic.network_attachments",
    "HostNic.network_labels", "HostNic.statistics", "Job.steps", "MacPool.permissions", "Network.network_labels",
    "Network.permissions", "Network.vnic_profiles", "NetworkAttachment.reported_configurations",
    "Nic.reported_devices", "Nic.statistics", "ReportedDevice.ips", "Role.permits", "Snapshot.nics",
    "SnapshotNic.reported_devices", "SnapshotNic.statistics", "Statistic.values",
    "Template.permissions", "Template.tags", "TemplateNic.reported_devices", "TemplateNic.statistics",
    "User.permissions", "User.roles", "Vm.permissions", "Vm.reported_devices", "Vm.snapshots",
    "Vm.statistics", "Vm.tags",
    "VnicProfile.permissions",
}  # fmt: skip
"""Lists that an answer may have, and that a request may therefore bring, with which no command does anything."""


SENT_BACK = [case for case in LISTS if case[1].most == LIST_MAX]
MEANT_LISTS = [case for case in LISTS if case[1].most != LIST_MAX]


def name_of(case: tuple[type[Value], Field]) -> str:
    return f"{case[0].__name__}.{case[1].attribute}"


def test_every_list_that_a_command_reads_has_a_bound_of_its_own() -> None:
    unbounded = {name_of(case) for case in LISTS if case[1].most > MEANT}
    assert unbounded == ONLY_SENT_BACK
    assert all(case[1].most == LIST_MAX for case in LISTS if name_of(case) in ONLY_SENT_BACK)


@pytest.mark.parametrize("case", [*MEANT_LISTS, SENT_BACK[0]], ids=name_of)
@pytest.mark.parametrize("form", Form)
def test_a_list_of_one_item_too_many_is_refused(case: tuple[type[Value], Field], form: Form) -> None:
    kind, field = case
    item = getattr(filled(kind), field.attribute)[0]
    body = _with(kind, field, item, field.most, form)
    assert len(getattr(codec.read(form, body, kind), field.attribute)) == field.most
    with pytest.raises(MalformedError, match=rf"{field.name}: the list has {field.most + 1} items") as caught:
        codec.read(form, _with(kind, field, item, field.most + 1, form), kind)
    assert caught.value.code == TOO_LONG


def _with(kind: type[Value], field: Field, item: Any, count: int, form: Form) -> bytes:
    if field.struct is not None:
        item = field.struct()  # as light as it can be
    value = kind()
    setattr(value, field.attribute, [item] * count)
    return codec.write(form, kind, value, "")


@pytest.mark.parametrize("form", Form)
def test_texts_are_bounded(form: Form) -> None:
    for kind in TAKEN:
        for field in fields_of(kind):
            if field.kind == "text" and not field.many and not field.choices and field.name not in {"id", "href"}:
                value = kind()
                setattr(value, field.attribute, "x" * (TEXT_MAX + 1))
                with pytest.raises(MalformedError, match=f"{field.name}: the text has") as caught:
                    codec.read(form, codec.write(form, kind, value, ""), kind)
                assert caught.value.code == TOO_LONG


def test_requests_to_our_own_endpoints_are_bounded() -> None:
    for route in ROUTES:
        if route.root == ADDITIONS and route.takes is not None:
            with pytest.raises(MalformedError, match="Send at most"):
                json_codec.read_plain(b" " * json_codec.PLAIN_MAX + b"{}", route.takes)


def test_what_is_nested_too_deeply_is_refused() -> None:
    host_nic = next(kind for kind in TAKEN if kind.__name__ == "HostNic")
    for depth in (300, 500, 100_000):
        deep = b'{"physical_function":' * depth + b"{}" + b"}" * depth
        try:
            codec.read(Form.JSON, deep, host_nic)
        except MalformedError:
            continue
        assert depth == 300, "this deep a request is read or refused, as the interpreter has room"
    deep = b"<physical_function>" * 10_000
    with pytest.raises(MalformedError):
        codec.read(Form.XML, b"<host_nic>" + deep + deep.replace(b"<", b"</") + b"</host_nic>", host_nic)
