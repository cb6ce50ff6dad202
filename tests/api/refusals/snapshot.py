"""Snapshots of virtual machines."""

from __future__ import annotations

from api.refusals.site import HOME, LONG, Refusal, Site, Table
from netweft.engine.model.snapshots import snapshots
from netweft.engine.model.vms import vms
from netweft.engine.queries.snapshots import active_id

HOSTS = 0

OWN = "ACTION_TYPE_FAILED_VM_SNAPSHOT_TYPE_NOT_REGULAR"
PREVIEW = "ACTION_TYPE_FAILED_VM_IN_PREVIEW"
MEMORY = "ACTION_TYPE_FAILED_MEMORY_RESTORE_NOT_SUPPORTED"


def prepare(site: Site) -> None:
    site.add("/vms", f"<vm><name>one</name>{HOME}</vm>", "one")
    site.add("/vms/{one}/nics", "<nic><name>nic1</name></nic>")
    site.names["active"] = active_id(site.names["one"])
    site.add("/vms/{one}/snapshots", "<snapshot><description>before</description></snapshot>", "before")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    said = body if "<description>" in body else f"<description>x</description>{body}"
    return Refusal(rule, "POST", "/vms/{one}/snapshots", f"<snapshot>{said}</snapshot>", code, words)


def act(rule: str, action: str, code: str, words: str, body: str = "") -> Refusal:
    return Refusal(rule, "POST", f"/vms/{{one}}/{action}", f"<action>{body}</action>", code, words)


def preview(site: Site) -> None:
    site.act("/vms/{one}/previewsnapshot", "<snapshot id='{before}'/>")


def run(site: Site) -> None:
    site.act("/vms/{one}/undosnapshot")
    site.update(vms, site.names["one"], status="up")


SHOW = "<snapshot id='{before}'/>"
TABLE: Table = (
    add("fields.text_is_valid", f"<description>{LONG}</description>", "VALIDATION_DESCRIPTION_INVALID", "4001"),
    Refusal("snapshot.is_regular", "DELETE", "/vms/{one}/snapshots/{active}", "", OWN, "belongs to the VM itself"),
    act("snapshot.is_regular", "snapshots/{active}/restore", OWN, "belongs to the VM itself"),
    act(
        "snapshot.memory_is_not_restored",
        "snapshots/{before}/restore",
        MEMORY,
        "do not include the memory",
        "<restore_memory>true</restore_memory>",
    ),
    act("snapshot.shows_a_snapshot", "commitsnapshot", "ACTION_TYPE_FAILED_VM_NOT_IN_PREVIEW", "is not previewing"),
    act("snapshot.shows_a_snapshot", "undosnapshot", "ACTION_TYPE_FAILED_VM_NOT_IN_PREVIEW", "is not previewing"),
    preview,
    add("snapshot.shows_itself", "", PREVIEW, "VM one is previewing a snapshot"),
    act("snapshot.shows_itself", "previewsnapshot", PREVIEW, "VM one is previewing a snapshot", SHOW),
    Refusal("snapshot.shows_itself", "DELETE", "/vms/{one}/snapshots/{before}", "", PREVIEW, "is previewing"),
    run,
    add(
        "snapshot.memory_is_not_requested",
        "<persist_memorystate>true</persist_memorystate>",
        "ACTION_TYPE_FAILED_SNAPSHOT_WITH_MEMORY_NOT_SUPPORTED",
        "do not include the memory of a running VM",
    ),
    act("vm.is_down", "snapshots/{before}/restore", "ACTION_TYPE_FAILED_VM_IS_RUNNING", "VM one is running"),
    lambda site: site.update(snapshots, site.names["before"], kind="stateless"),
    add("snapshot.keeps_its_state", "", "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS", "VM one runs stateless"),
)
