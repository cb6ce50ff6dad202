"""Tags: adding, changing and removing them, and giving them to machines, hosts and templates."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from msgspec.structs import replace

from netweft.core.errors import NotFoundError, Problem
from netweft.core.keep import KEEP, Keep
from netweft.core.rules import check, fields
from netweft.core.rules import tag as rules
from netweft.engine import audit
from netweft.engine.access import authorize, objects
from netweft.engine.access.objects import ObjectRef
from netweft.engine.access.roles import ActionGroup
from netweft.engine.actor import Actor
from netweft.engine.changes import changes, made, updated
from netweft.engine.db import Tx, insert_if_absent, lock, new_id
from netweft.engine.model.tags import TagRow, tags
from netweft.engine.operations.races import translate_constraint_errors
from netweft.engine.queries import tags as queries
from netweft.engine.queries.references import Ref, resolve
from netweft.engine.queries.tags import ROOT_ID
from netweft.engine.statements import add

ADDED, UPDATED, REMOVED = 432, 434, 436
"""Event codes (oVirt: USER_ADD_TAG, USER_UPDATE_TAG, USER_REMOVE_TAG)."""

ATTACHED = {"vm": 446, "host": 442, "template": 448}
DETACHED = {"vm": 450, "host": 444, "template": 452}
"""Event codes by noun (oVirt: USER_ATTACH_TAG_TO_VM, USER_ATTACH_TAG_TO_VDS, USER_ATTACH_TAG_TO_TEMPLATE ...)."""

_ADD = "Cannot add Tag."
_UPDATE = "Cannot edit Tag."
_REMOVE = "Cannot remove Tag."
_ATTACH = "Cannot attach Tag."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTag:
    """A tag to be, below another one or below the root."""

    name: str
    description: str | Keep = KEEP
    parent: Ref | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateTag:
    """What changes of a tag."""

    id: str
    name: str | Keep = KEEP
    description: str | Keep = KEEP
    parent: Ref | Keep = KEEP


def add_tag(tx: Tx, actor: Actor, spec: AddTag) -> str:
    """Add a tag; returns its id. Needs TAG_MANAGEMENT. Raises NotFoundError, DeniedError, ValidationError."""
    authorize.require(tx, actor, ActionGroup.TAG_MANAGEMENT)
    tag = made(TagRow, spec, id=new_id())
    check(_ADD, *_problems(tag), rules.name_is_free(tag.name, ()))
    tag = replace(tag, parent_id=_parent(tx, spec.parent))
    with translate_constraint_errors(_ADD, lambda _: rules.name_is_free(tag.name, (tag.name,))):
        add(tx, tags, tag)
    audit.record(tx, actor, ADDED, f"New Tag {tag.name} was created by {actor.name}.")
    return tag.id


def update_tag(tx: Tx, actor: Actor, spec: UpdateTag) -> None:
    """Change a tag. Needs TAG_MANAGEMENT. Raises NotFoundError, DeniedError, ValidationError."""
    authorize.require(tx, actor, ActionGroup.TAG_MANAGEMENT)
    if spec.id == ROOT_ID:
        shown = TagRow(id=ROOT_ID, name=rules.ROOT, description="root")
        check(_UPDATE, rules.is_not_root(is_root=updated(shown, spec) != shown))
        return
    before = lock(tx, tags, spec.id)
    parent_id = before.parent_id if spec.parent is KEEP else _parent(tx, spec.parent)
    after = updated(before, spec, parent_id=parent_id)
    if after == before:
        return
    is_below = parent_id in queries.below(tx, spec.id)
    is_free = None if after.name == before.name else rules.name_is_free(after.name, ())
    check(_UPDATE, *_problems(after), is_free, rules.parent_is_elsewhere(before.name, is_below=is_below))
    with translate_constraint_errors(_UPDATE, lambda _: rules.name_is_free(after.name, (after.name,))):
        tx.execute(sa.update(tags).where(tags.c.id == spec.id).values(changes(before, after)))
    audit.record(tx, actor, UPDATED, f"Tag {after.name} configuration was updated by {actor.name}.")


def remove_tag(tx: Tx, actor: Actor, tag_id: str) -> None:
    """Remove a tag with all below it. Needs TAG_MANAGEMENT. Raises NotFoundError, DeniedError, ValidationError."""
    authorize.require(tx, actor, ActionGroup.TAG_MANAGEMENT)
    check(_REMOVE, rules.is_not_root(is_root=tag_id == ROOT_ID))
    tag = lock(tx, tags, tag_id)
    tx.execute(sa.delete(tags).where(tags.c.id == tag_id))
    audit.record(tx, actor, REMOVED, f"Tag {tag.name} was removed by {actor.name}.")


def attach_tag(tx: Tx, actor: Actor, on: ObjectRef, ref: Ref) -> str:
    """Give a thing a tag, which it may have already; returns the tag's id.

    Needs TAG_MANAGEMENT. Raises NotFoundError, DeniedError, ValidationError.
    """
    authorize.require(tx, actor, ActionGroup.TAG_MANAGEMENT)
    check(_ATTACH, rules.is_not_root(is_root=ref.id == ROOT_ID or ref.name == rules.ROOT))
    name = objects.lock_named(tx, on)
    tag = lock(tx, tags, resolve(tx, tags, ref, "tag"))
    table, column = queries.TAGGED[on.type]
    if insert_if_absent(tx, table, tag_id=tag.id, **{column.name: on.id}):
        text = f"Tag {tag.name} was attached to {on.type} {name} by {actor.name}."
        audit.record(tx, actor, ATTACHED[on.type], text, **_about(on))
    return str(tag.id)


def detach_tag(tx: Tx, actor: Actor, on: ObjectRef, tag_id: str) -> None:
    """Take a tag from a thing. Needs TAG_MANAGEMENT. Raises NotFoundError, DeniedError."""
    authorize.require(tx, actor, ActionGroup.TAG_MANAGEMENT)
    name = objects.lock_named(tx, on)
    table, column = queries.TAGGED[on.type]
    done = tx.execute(sa.delete(table).where(column == on.id, table.c.tag_id == tag_id))
    if not done.rowcount:
        raise NotFoundError(f"The {on.type} {on.id} has no tag {tag_id}.")
    text = f"Tag {queries.get(tx, tag_id).name} was detached from {on.type} {name} by {actor.name}."
    audit.record(tx, actor, DETACHED[on.type], text, **_about(on))


def _problems(tag: TagRow) -> tuple[Problem | None, ...]:
    return rules.name_is_valid(tag.name), fields.text_is_valid("Tag", "description", tag.description)


def _about(on: ObjectRef) -> audit.About:
    about = {"vm": audit.About(vm=on.id), "host": audit.About(host=on.id), "template": audit.About(template=on.id)}
    return about[on.type]


def _parent(tx: Tx, ref: Ref | None) -> str | None:
    """The id of a parent's row, None for the root. Locked, so that two tags cannot be put below each other at once."""
    tx.execute(sa.select(tags.c.id).order_by(tags.c.id).with_for_update())
    if ref is None or ref.id == ROOT_ID or (ref.id is None and ref.name == rules.ROOT):
        return None
    return resolve(tx, tags, ref, "tag")
