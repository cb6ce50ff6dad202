"""The name of a tag, and its place in the tree of tags.

oVirt's commands: AddTag, UpdateTag, MoveTag, RemoveTag, AttachVmsToTag and the like.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from netweft.core.errors import Problem
from netweft.core.rules import fields

ROOT = "root"
"""The name of the tag above all others."""
_NAME = re.compile(r"[0-9A-Za-z_-]{1,50}")


def name_is_valid(name: str) -> Problem | None:
    """The name has the letters and the length that names of tags may have."""
    if _NAME.fullmatch(name):
        return None
    text = f"The tag name '{name[:60]}' is not valid: use 1 to 50 letters, digits, '_' and '-'."
    return Problem("TAGS_SPECIFIED_TAG_NAME_IS_INVALID", text)


def name_is_free(name: str, used: Collection[str]) -> Problem | None:
    """No other tag has the name, nor has the one above all others."""
    return fields.name_is_free("tag", name, {*used, ROOT}, code="TAGS_SPECIFY_TAG_IS_IN_USE")


def is_not_root(*, is_root: bool) -> Problem | None:
    """The root tag cannot be changed, and is assigned to nothing."""
    if not is_root:
        return None
    text = "The root of all tags can be neither changed nor removed, and nothing is tagged with it. Add a tag below it."
    return Problem("TAGS_CANNOT_EDIT_ROOT", text)


def parent_is_elsewhere(name: str, *, is_below: bool) -> Problem | None:
    """A tag is not put below itself (``is_below``: the new parent is the tag, or one below it)."""
    if not is_below:
        return None
    text = f"Tag {name} cannot be below itself, or below a tag that is below it. Choose another parent."
    return Problem("TAGS_SPECIFIED_TAG_CANNOT_BE_THE_PARENT", text)
