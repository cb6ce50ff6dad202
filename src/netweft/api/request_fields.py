"""Fields that several nouns share: how requests name objects, and required values."""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import UnsetType

from netweft.api.routes import Call
from netweft.api.schema import Entity, or_default
from netweft.api.types import Version
from netweft.core.errors import MalformedError
from netweft.core.keep import KEEP, Keep
from netweft.engine.access import visibility
from netweft.engine.access.objects import ObjectRef, ObjectType
from netweft.engine.db import Tx
from netweft.engine.queries.references import Ref

T = TypeVar("T")


def version(text: str) -> Version:
    """A compatibility version such as ``4.7``."""
    major, _, minor = text.partition(".")
    return Version(major=int(major), minor=int(minor or 0))


def version_text(value: Version | UnsetType) -> str | None:
    """The same from a request, None when it says none. Raises MalformedError."""
    if isinstance(value, UnsetType):
        return None
    if isinstance(value.major, UnsetType) or isinstance(value.minor, UnsetType):
        raise MalformedError("A version needs major and minor.")
    return f"{value.major}.{value.minor}"


def ref(entity: Entity | UnsetType) -> Ref | None:
    """The reference in a request; None when it has neither id nor name."""
    if not isinstance(entity, Entity):
        return None
    reference = Ref(id=entity.id or None, name=entity.name or None)
    return reference if reference.id or reference.name else None


def required_ref(entity: Entity | UnsetType, where: str) -> Ref:
    """The same where a reference is required. Raises MalformedError with oVirt's text."""
    reference = ref(entity)
    if reference is None:
        raise MalformedError(f"{where} [{'id|name'}] required.")
    return reference


def required(value: T | UnsetType, where: str) -> T:
    """The field of a request that must be there; ``where`` is for example ``Network [name]``. Raises MalformedError
    with oVirt's text.
    """
    if isinstance(value, UnsetType):
        raise MalformedError(f"{where} required.")
    return value


def require_visible(tx: Tx, call: Call[Any], object_type: ObjectType, object_id: str) -> None:
    """Raise NotFoundError unless the actor may see the object; DeniedError for a user who is no administrator and does
    not ask for the own view (``Filter: true``).
    """
    visibility.require_visible(tx, call.actor, ObjectRef(object_type, object_id))


def kept_ref(entity: Entity | UnsetType, where: str) -> Ref | Keep:
    """The reference in a change, which cannot be removed. Raises MalformedError when it is empty."""
    return KEEP if isinstance(entity, UnsetType) else required_ref(entity, where)


def id_of(entity: Entity | UnsetType) -> str | Keep | None:
    """The id of a reference in a request; an empty element means none."""
    return KEEP if isinstance(entity, UnsetType) else or_default(entity.id, "") or None
