"""Resolves names and ids of the command line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus

import click

from netweft.cli import nouns
from netweft.cli.noun_types import Noun
from netweft.cli.output import cell, pick
from netweft.cli.session import REFUSED
from netweft.client import ApiError, Client
from netweft.client.tree import ADDITIONS, Tree, Trees

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class AmbiguousError(click.ClickException):
    """Several things have the name. Ends the program as refused."""

    exit_code = REFUSED


def path_of(entity: Tree) -> str:
    """Where an entity is, below the root of the API, or among Netweft's additions."""
    href = str(entity["href"])
    return href if href.startswith(ADDITIONS) else href.partition("/api/")[2]


def collection(client: Client, noun: Noun, above: Sequence[str] = ()) -> str:
    """The path of a noun's collection. ``above``: names of what it is below, from the top. Raises ApiError(404)."""
    path = noun.path
    if noun.parent:
        path = f"{path_of(resolve(client, nouns.noun(noun.parent), above[-1], above[:-1]))}/{path}"
    return f"{ADDITIONS}/{path}" if noun.is_addition else path


def entities(client: Client, noun: Noun, above: Sequence[str] = (), **query: str | int) -> Trees:
    """The entities of a noun; of all parents where that is an option which is not given."""
    if noun.parent_option and not above:
        parents = client.list(nouns.noun(noun.parent).path)
        return [one for parent in parents for one in client.list(f"{path_of(parent)}/{noun.path}")]
    return client.list(collection(client, noun, above), **query)


def resolve(
    client: Client,
    noun: Noun,
    name: str,
    above: Sequence[str] = (),
    *,
    matching: Mapping[str, str] | None = None,
    where: str = "",
) -> Tree:
    """The entity with exactly that name, with that id, or with that full name (:func:`full_names`). ``above``: as in
    :func:`collection`; ``matching``: what it must hold, by dotted path; ``where``: the same
    in words.

    Raises ApiError(404), AmbiguousError, click.UsageError.
    """
    if not name:
        raise click.UsageError(f"Give the name or the id of {noun.one}: it is empty.")
    found = _by_name(client, noun, name, above, matching or {}) or _in_full(client, noun, name, above, matching or {})
    if not found:
        raise ApiError(HTTPStatus.NOT_FOUND, f"There is no {noun.name} {name}{where and f' {where}'}.")
    if len(found) > 1:
        raise AmbiguousError(_choice(client, noun, name, found))
    return found[0]


def _by_name(client: Client, noun: Noun, name: str, above: Sequence[str], matching: Mapping[str, str]) -> Trees:
    """Those with that name, or else with that id."""
    called = name + noun.suffix if noun.suffix and "@" not in name else name
    candidates = _candidates(client, noun, called, above)
    found = [entity for entity in candidates if entity.get(noun.key) == called]
    found = [one for one in found if all(pick(one, path) == value for path, value in matching.items())]
    if not found:
        found = [entity for entity in candidates if entity.get("id") == name] or _by_id(client, noun, name)
    if not found and name in noun.unsearched:
        found = _by_id(client, noun, noun.unsearched[name])
    return found


def _in_full(client: Client, noun: Noun, name: str, above: Sequence[str], matching: Mapping[str, str]) -> Trees:
    """Those of a name with that of what it is unique in before it (:func:`full_names`)."""
    if "/" not in name:
        return []
    if noun.picks:
        picked = resolve(client, nouns.noun(noun.picks), name)
        return [one for one in entities(client, noun, above) if one["id"] == picked["id"]]
    if not noun.within:
        return []
    parts = name.split("/")
    for slash in range(1, len(parts)):  # names themselves may have one
        place, own = "/".join(parts[:slash]), "/".join(parts[slash:])
        if found := _by_name(client, noun, own, above, matching):
            holder = resolve(client, nouns.noun(noun.refers[noun.within]), place)
            return [one for one in found if pick(one, f"{noun.within}.id") == holder["id"]]
    return []


def _choice(client: Client, noun: Noun, name: str, found: Trees) -> str:
    """What distinguishes things of one name, and how to name one of them."""
    if noun.within:
        names = full_names(client, noun, found)
        lines = [f"  {names[one['id']]}  (id {one['id']})" for one in found]
        return "\n".join((f"{len(found)} have the name {name}. Name one in full, or give its id:", *sorted(lines)))
    name_references(client, noun, found)
    others = [path for path in noun.columns.values() if path != noun.key]
    lines = [f"  {one['id']}  ({', '.join(filter(None, (cell(pick(one, path)) for path in others)))})" for one in found]
    return "\n".join((f"{len(found)} have the name {name}. Give the id of one:", *lines))


def name_references(client: Client, noun: Noun, found: Trees) -> None:
    """Add names to the ids of references, and the fields of the same entities in Netweft's additions to the API."""
    if noun.beside and found:
        twins = client.list(f"{ADDITIONS}/{path_of(found[0]).rpartition('/')[0]}")
        additions = {twin["id"]: {name: twin[name] for name in noun.beside} for twin in twins}
        for entity in found:
            entity.update(additions.get(entity["id"], {}))
    for field, other in noun.refers.items():
        if holders := [entity[field] for entity in found if pick(entity, f"{field}.id")]:
            _name(client, nouns.noun(other), holders, with_place=field == noun.within)


def _name(client: Client, noun: Noun, references: Trees, *, with_place: bool) -> None:
    """Add names to references to entities of a noun; ``with_place``: and those of what these are unique in."""
    there = entities(client, noun)
    names = {one["id"]: one[noun.key] for one in there}
    full = full_names(client, noun, there) if with_place and noun.within else {}
    for reference in references:
        name = reference["name"] = names.get(reference["id"], "")
        if reference["id"] in full:
            reference[noun.within] = {"name": full[reference["id"]].removesuffix(f"/{name}")}


def name_all_references(client: Client, noun: Noun, entity: Tree) -> None:
    """The same of one entity, and names beside the ids of all other references that the user may see."""
    name_references(client, noun, [entity])
    for value in entity.values():
        if isinstance(value, dict) and "href" in value and not value.get("name"):
            with suppress(ApiError):
                found = client.get(path_of(value))
                value["name"] = found.get("user_name") or found.get("name", "")


def full_names(client: Client, noun: Noun, found: Trees) -> dict[str, str]:
    """By id the names with those of what they are unique in before them, such as ``north/storage``."""
    if not noun.within:
        return {one["id"]: str(one[noun.key]) for one in found}
    other = nouns.noun(noun.refers[noun.within])
    places = full_names(client, other, entities(client, other))
    return {one["id"]: f"{places.get(pick(one, f'{noun.within}.id'), '')}/{one[noun.key]}" for one in found}


def _candidates(client: Client, noun: Noun, name: str, above: Sequence[str]) -> Trees:
    """Entities that may have the name: the search takes either case for the same, and an asterisk for anything."""
    if noun.parent or not noun.searchable:
        return entities(client, noun, above)
    if noun.key == "id":
        return []
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return client.list(collection(client, noun), search=f'{noun.search_key}="{quoted}"')


def _by_id(client: Client, noun: Noun, name: str) -> Trees:
    """The entity with that id; requested only for valid ids."""
    if noun.parent or not (name.isdigit() or _UUID.fullmatch(name)):
        return []
    try:
        return [client.get(f"{collection(client, noun)}/{name}")]
    except ApiError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return []
        raise
