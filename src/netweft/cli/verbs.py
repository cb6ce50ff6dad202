"""The usual verbs of a noun, built from its description in :mod:`netweft.cli.nouns`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from textwrap import wrap
from typing import Any

import click

from netweft.cli import nouns
from netweft.cli.calls import calls_engine
from netweft.cli.completion import completes, completes_added, spelled
from netweft.cli.job_progress import run_job
from netweft.cli.lookup import collection, entities, name_all_references, name_references, path_of, resolve
from netweft.cli.noun_types import NOTHING, Action, Field, MaybeNothing, Noun
from netweft.cli.output import pick, say, show_facts, show_many, show_one
from netweft.cli.selection import Selection, searched, unsearched
from netweft.cli.session import output_option, the_session
from netweft.client import ApiError, Client
from netweft.client.tree import Tree

_DATA_CENTER = "data_center.id"
_EXAMPLE_WIDTH = 72
"""Of a line of an example, which help indents, and which may end with a backslash."""


def commands_of(noun: Noun) -> list[click.Command]:
    """The usual verbs that a noun has, and its actions."""
    makers = {"list": _list, "show": _show, "add": _add, "set": _set, "remove": _remove}
    counts = [_counts(noun)] if noun.counts else []
    return [makers[verb](noun) for verb in noun.verbs] + counts + [_action(noun, action) for action in noun.actions]


def example(noun: Noun, verb: str, *words: str) -> str:
    """The paragraph of a help that shows how it is typed."""
    line = " ".join(("netweft", noun.name, verb, *(parent.sample for parent in nouns.parents(noun)), *words))
    line = re.sub(r"(--\S+) (?!--)", "\\1\xa0", line)  # an option stays with its value
    lines = wrap(line, _EXAMPLE_WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return "\n\n\b\nExample:\n  " + " \\\n  ".join(lines).replace("\xa0", " ")


def confirm_removal(what: str, *, yes: bool) -> None:
    """Ask who is at a terminal. Raises click.Abort."""
    confirm(f"Remove {what}?", yes=yes)


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation at a terminal, unless ``yes`` is given. Raises click.Abort."""
    if not yes and sys.stdin.isatty() and not the_session().planning:
        click.confirm(question, abort=True, err=True)


yes_option = click.option(
    "--yes", is_flag=True, help="Do not ask for confirmation; without a terminal none is asked for."
)
missing_ok_option = click.option("--missing-ok", is_flag=True, help="Succeed if it does not exist.")


def _list(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, *, form: str, selection: Selection, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        above = _above(noun, values)
        query = selection.query() if noun.searchable else {}
        found = entities(client, noun, above, **query)
        name_references(client, noun, found)
        if not noun.searchable:
            found = selection.arrange(found, noun.columns)
        show_many(found, noun.columns, form, noun.wide)

    of = f" of {nouns.noun(noun.parent).one}" if nouns.parents(noun) else ""
    text = f"List the {_plural(noun)}{of}."
    if noun.searchable:
        sample = f"name={noun.sample[:3]}*" if noun.search_key == "name" else f'{noun.search_key}="*"'
        options, text = searched(sample, noun.most), text + example(noun, "list", "--search", repr(sample))
    else:
        options, text = unsearched(f"{_plural(noun)}{of}", noun.columns), text + example(noun, "list")
    command = click.command("list", help=text)(output_option(options(run)))
    command.params = [*_parents(noun), *command.params]
    return command


def _counts(noun: Noun) -> click.Command:
    headings = " and ".join(filter(None, (", ".join([*noun.counts][:-1]), [*noun.counts][-1])))
    first = next(iter(noun.counts.values()))
    text = f"List the {_plural(noun)} with numbers, by which they can be searched and sorted: {headings}."

    @click.command("counts", help=text + example(noun, "counts", "--sort", f"{first}:desc"))
    @searched(f"{first}=0", noun.most)
    @output_option
    @calls_engine
    def run(client: Client, selection: Selection, form: str) -> None:
        found = client.addition("GET", f"rows/{noun.name}s", **selection.query())
        place = {"DATA CENTRE": "data_center.name"} if noun.within else {}
        show_many(found, {"NAME": "name", **place, **noun.counts}, form, {"ID": "id"})

    return run


def _show(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, *, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        found = resolve(client, noun, values[noun.argument], _above(noun, values))
        name_all_references(client, noun, found)
        show_one(found, form)

    text = f"Show everything about {noun.one}."
    return output_option(_command(noun, "show", run, text, noun.sample))


def _add(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, *, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        name, above = values.pop(noun.argument), _above(noun, values)
        if noun.parent_option:
            above = above or ("Default",)
        given = {field.parameter: field.default for field in noun.fields} | _without_empty(values)

        def scope() -> str:
            if (within := given.get("datacenter")) is None:
                return ""
            return str(resolve(client, nouns.noun("datacenter"), within)["id"])

        if noun.picks:
            body: Tree = {"id": resolve(client, nouns.noun(noun.picks), name)["id"]}
        else:
            body = {noun.key: name, **entity_of(noun, given, _referring(client, scope))}
        added = client.add(collection(client, noun, above), body, **query_of(noun, given))
        show_outcome(client, noun, added, form)

    text = f"{'Assign' if _is_assigned(noun) else 'Add'} {noun.one}{_preposition(noun, 'to')}."
    command = _command(noun, "add", run, text, noun.sample, noun.sample_options)
    command.params[-1] = _added(noun)
    command.params += [_option(field, required=field.required) for field in noun.fields if field.path != noun.key]
    return output_option(command)


def _set(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, *, form: str, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        name, above = values.pop(noun.argument), _above(noun, values)
        given = _without_empty(values)
        if not given:
            raise click.UsageError("Nothing to change: name at least one option (see --help).")
        entity = resolve(client, noun, name, above)
        given |= _completed(client, noun, given, entity)
        changes = entity_of(noun, given, _referring(client, lambda: pick(entity, _DATA_CENTER)))
        changed = client.update(path_of(entity), changes, **query_of(noun, given))
        show_outcome(client, noun, changed, form)

    text = f"Change {noun.one}: what the options name; the rest stays."
    command = _command(noun, "set", run, text, noun.sample, _sample_changes(noun))
    command.params += [_option(field) for field in noun.fields if not field.only_add]
    return output_option(command)


def _completed(client: Client, noun: Noun, given: Mapping[str, Any], entity: Tree) -> dict[str, Any]:
    """The values that are made whole with what an entity holds; not where a vNIC goes to another network."""
    fields = [field for field in noun.fields if field.completed and field.parameter in given]
    if not fields or "profile" in given:
        return {}
    held = dict(entity)
    name_references(client, noun, [held])
    return {field.parameter: field.completed(given[field.parameter], held) for field in fields if field.completed}


def show_outcome(client: Client, noun: Noun, entity: Tree, form: str) -> None:
    """Print what was added or changed; beside the output why its provider, if it is on one, has not followed."""
    name_references(client, noun, [entity])
    show_facts(entity, noun.columns, form, noun.wide)
    if pick(entity, "provision.state") == "error":
        say(f"Not done on the provider: {pick(entity, 'provision.reason')}")
        if next_try := pick(entity, "provision.next_try"):
            say(f"Tried again at {next_try}.")


def _remove(noun: Noun) -> click.Command:
    @calls_engine
    def run(client: Client, /, *, missing_ok: bool, yes: bool, force: bool = False, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        name = values[noun.argument]
        try:
            entity = resolve(client, noun, name, _above(noun, values))
        except ApiError as error:
            if missing_ok and error.status == HTTPStatus.NOT_FOUND:
                say(f"There is no {noun.name} {name}.")
                return
            raise
        confirm_removal(f"{noun.name} {name}", yes=yes)
        client.remove(path_of(entity), **({"force": "true"} if force else {}))

    text = f"{'Unassign' if _is_assigned(noun) else 'Remove'} {noun.one}{_preposition(noun, 'from')}."
    command = missing_ok_option(yes_option(_command(noun, "remove", run, text, noun.sample)))
    return click.option("--force", is_flag=True, help=noun.force)(command) if noun.force else command


def _action(noun: Noun, action: Action) -> click.Command:
    @calls_engine
    def run(client: Client, /, **values: Any) -> None:  # noqa: ANN401 (what the options hold)
        entity = resolve(client, noun, values[noun.argument], _above(noun, values))
        run_job(client, f"{path_of(entity)}/{action.path}", dict(action.body), nothing=action.nothing)

    return _command(noun, action.verb, run, f"{action.about}.", noun.sample)


def _command(noun: Noun, verb: str, run: Callable[..., None], text: str, *words: str) -> click.Command:
    """A command about one of a noun: its parents and its name are arguments."""
    samples = [word for word in words if word]
    return click.Command(
        verb, callback=run, params=[*_parents(noun), _argument(noun)], help=f"{text}{example(noun, verb, *samples)}"
    )


def _added(noun: Noun) -> click.Argument:
    """The argument for what ``add`` adds."""
    metavar = spelled(noun) if noun.picks else None
    return click.Argument([noun.argument], metavar=metavar, shell_complete=completes_added(noun))


def _argument(noun: Noun) -> click.Argument:
    return click.Argument([noun.argument], metavar=spelled(noun), shell_complete=completes(noun.name))


def _parents(noun: Noun) -> list[click.Parameter]:
    """The arguments that name what a noun is below, or the option that does."""
    if noun.parent_option:
        text = f"Name of the {noun.parent} that it belongs to."
        return [click.Option([noun.parent_option], help=text, shell_complete=completes(noun.parent))]
    return [_argument(one) for one in nouns.parents(noun)]


def _above(noun: Noun, values: dict[str, Any]) -> Sequence[str]:
    """The names of a noun's parents, removed from the command's parameters."""
    if noun.parent_option:
        given = values.pop(noun.parent_option.removeprefix("--"), None)
        return (given,) if given else ()
    return tuple(values.pop(one.argument) for one in nouns.parents(noun))


def _is_assigned(noun: Noun) -> bool:
    """Whether its entities exist by themselves, or are words, that a parent is given."""
    return bool(noun.picks or (noun.parent and noun.key == "id"))


def _preposition(noun: Noun, word: str) -> str:
    return f" {word} {nouns.noun(noun.parent).one}" if nouns.parents(noun) else ""


def _plural(noun: Noun) -> str:
    what, of, rest = noun.one.partition(" ")[2].partition(" of ")
    many = what if what == "QoS" else f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return many if nouns.parents(noun) else f"{many}{of}{rest}"  # else whoever says this says of what


def _without_empty(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, ())}


def _sample_changes(noun: Noun) -> str:
    """What an example of ``set`` gives one: the options of that of ``add`` without those that cannot be changed."""
    fixed = {field.option for field in noun.fields if field.only_add}
    given = re.findall(r"(--\S+)((?: (?!--)\S+)*)", noun.sample_options)
    return " ".join(f"{option}{value}" for option, value in given if option not in fixed)


def _option(field: Field, *, required: bool = False) -> click.Option:
    if "/" in field.option:
        return click.Option([field.option], default=None, help=field.help)
    if field.type is bool:
        return click.Option([field.option], is_flag=True, default=None, help=field.help)
    default = f" Default for add: {field.default}." if field.default else ""
    return click.Option(
        [field.option],
        type=MaybeNothing(field.type) if field.removable else field.type,
        multiple=field.many,
        required=required,
        metavar=field.metavar or (spelled(nouns.noun(field.names)) if field.names else None),
        help=field.help + default,
        shell_complete=completes(field.names) if field.names else None,
    )


def entity_of(noun: Noun, values: Mapping[str, Any], refer: Callable[[Field, Any], str]) -> Tree:
    """The entity that options make, by the names under which click hands them over. ``refer``: the id of what an option
    names. Raises click.UsageError.
    """
    tree: Tree = {}
    for field in noun.fields:
        value = values.get(field.parameter)
        if value is None or field.in_query:
            continue
        *parents, leaf = field.path.split(".")
        if field.many and NOTHING in value and any(one is not NOTHING for one in value):
            raise click.UsageError(f"{field.option}: 'none' excludes other values.")
        if value is NOTHING or (field.many and NOTHING in value):
            tree[field.path.partition(".")[0]] = [] if noun.is_addition and field.many else None
            continue
        if field.names and leaf == "id":
            value = refer(field, value)
        if field.convert:
            value = field.convert(value)
        place = tree
        for key in parents:
            place = place.setdefault(key, {})
        place[leaf] = list(value) if field.many else value
    return tree


def query_of(noun: Noun, values: Mapping[str, Any]) -> dict[str, str | int]:
    """What options say that goes into the request's query."""
    query_fields = [(field, values.get(field.parameter)) for field in noun.fields if field.in_query]
    return {field.path: ",".join(value) if field.many else value for field, value in query_fields if value}


def _referring(client: Client, scope: Callable[[], str]) -> Callable[[Field, Any], str]:
    """What finds the id of what an option names. ``scope``: the id of the data centre in which names are meant, ``""``
    for any.
    """

    def refer(field: Field, name: Any) -> str:  # noqa: ANN401 (what the option holds)
        other = nouns.noun(field.names)
        matching = dict(field.only)
        if "data_center" in other.refers and (within := scope()):
            matching[_DATA_CENTER] = within
        try:
            return str(resolve(client, other, str(name), matching=matching)["id"])
        except ApiError as error:
            if not field.only or error.status != HTTPStatus.NOT_FOUND:
                raise
            kind = " and ".join(f"{path} {value}" for path, value in field.only.items())
            text = f"There is no {other.name} {name} of the {kind}, and {field.option} takes no other here."
            raise ApiError(error.status, text) from error

    return refer
