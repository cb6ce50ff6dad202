"""Tags, at ``/tags``, and those of machines, hosts and templates, at ``/vms/{id}/tags`` and so on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netweft.api.collections import Collection, same_fields, spec_fields
from netweft.api.follow import loads_link
from netweft.api.request_fields import kept_ref, ref, require_visible, required, required_ref
from netweft.api.routes import LOGIN, READ, Call, Routes, many
from netweft.api.schema import reference
from netweft.api.types import Host, Tag, Template, Vm
from netweft.core.errors import NotFoundError
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.access.roles import ActionGroup
from netweft.engine.commands.tags import AddTag, UpdateTag, add_tag, attach_tag, detach_tag, remove_tag, update_tag
from netweft.engine.db import Tx
from netweft.engine.model.tags import TagRow
from netweft.engine.queries import tags as queries
from netweft.engine.queries.tags import ROOT_ID

routes = Routes("tags")

HAVE = {ObjectType.VM: Vm, ObjectType.HOST: Host, ObjectType.TEMPLATE: Template}
"""What can have tags."""


def root() -> Tag:
    """The tag above all others."""
    return Tag(id=ROOT_ID, href=f"/tags/{ROOT_ID}", name="root", description="root")


def show(row: TagRow, owner: str = "") -> Tag:
    """A tag; ``owner``: the path of what has it."""
    return Tag(
        **same_fields(Tag, row),
        href=f"{owner}/tags/{row.id}",
        parent=reference(Tag, row.parent_id or ROOT_ID),
    )


class _Tags(Collection[TagRow, Tag]):
    """Tags with the root above them, which has no row."""

    def _load(self, tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, Tag]:
        return super()._load(tx, call, ids) | ({ROOT_ID: root()} if ROOT_ID in ids else {})

    def all(self, call: Call[Any]) -> list[Tag]:
        found = super().all(call)
        return found if call.query.text("search") else [root(), *found][: call.query.size()]

    def one(self, call: Call[Any], noun_id: str) -> Tag:
        return root() if noun_id == ROOT_ID else super().one(call, noun_id)

    def get(self, call: Call[Any]) -> Tag:
        return self.one(call, self.id(call))


TAGS = _Tags(routes, queries.TAGS, Tag, "/tags/{tag_id}", show=show)
TAGS.reads("All tags, and the root that they are below.", "One tag.", needs=LOGIN)


@routes.post("/tags", Tag, needs=ActionGroup.TAG_MANAGEMENT)
def post_tag(call: Call[Tag]) -> Tag:
    """Add a tag, below the root unless it names a parent."""
    body = call.body
    required(body.name, "Tag [name]")
    spec = AddTag(**spec_fields(body, AddTag), parent=ref(body.parent))
    return TAGS.one(call, call.run(add_tag, call.actor, spec))


@TAGS.changes(ActionGroup.TAG_MANAGEMENT)
def change_tag(call: Call[Tag]) -> None:
    """Change a tag, or put it below another one."""
    body, parent = call.body, kept_ref(call.body.parent, "Tag [parent")
    call.run(update_tag, call.actor, UpdateTag(id=TAGS.id(call), **spec_fields(body, UpdateTag), parent=parent))


TAGS.removes(ActionGroup.TAG_MANAGEMENT, remove_tag, "Remove a tag with all below it.")


def _declare(object_type: ObjectType, kind: type[Any]) -> None:
    """The tags of one kind of thing."""
    path = f"/{kind.meta.path}/{{object_id}}/tags"

    def owned(call: Call[Any]) -> list[Tag]:
        thing = call.ids["object_id"]
        with call.read() as tx:
            require_visible(tx, call, object_type, thing)
            rows = queries.of_things(tx, object_type, (thing,))[thing]
        return [show(row, f"/{kind.meta.path}/{thing}") for row in rows]

    @routes.get(path, many(Tag), needs=READ, queries=("max",))
    def list_tags_of(call: Call[None]) -> list[Tag]:
        """The tags that it has."""
        return owned(call)[: call.query.size()]

    @routes.get(f"{path}/{{tag_id}}", Tag, needs=READ)
    def get_tag_of(call: Call[None]) -> Tag:
        """One of them."""
        for tag in owned(call):
            if tag.id == call.ids["tag_id"]:
                return tag
        raise NotFoundError(f"The {object_type} {call.ids['object_id']} has no tag {call.ids['tag_id']}.")

    @routes.post(path, Tag, needs=ActionGroup.TAG_MANAGEMENT)
    def post_tag_of(call: Call[Tag]) -> Tag:
        """Add a tag to the object."""
        on = ObjectRef(object_type, call.ids["object_id"])
        tag_id = call.run(attach_tag, call.actor, on, required_ref(call.body, "Tag"))
        with call.read() as tx:
            return show(queries.get(tx, tag_id), f"/{kind.meta.path}/{on.id}")

    @routes.delete(f"{path}/{{tag_id}}", needs=ActionGroup.TAG_MANAGEMENT)
    def delete_tag_of(call: Call[None]) -> None:
        """Remove a tag from the object."""
        call.run(detach_tag, call.actor, ObjectRef(object_type, call.ids["object_id"]), call.ids["tag_id"])

    loads_link(kind, "tags")(_loader(object_type, kind))


def _loader(object_type: ObjectType, kind: type[Any]) -> Callable[..., dict[str, list[Tag]]]:
    def load_tags(tx: Tx, call: Call[Any], ids: Sequence[str]) -> dict[str, list[Tag]]:
        visible = visibility.visible_among(tx, call.actor, object_type, ids)
        rows = queries.of_things(tx, object_type, visible)
        return {thing: [show(row, f"/{kind.meta.path}/{thing}") for row in rows[thing]] for thing in visible}

    return load_tags


for _type, _kind in HAVE.items():
    _declare(_type, _kind)
