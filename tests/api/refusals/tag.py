"""Tags."""

from __future__ import annotations

from api.refusals.site import HOME, LONG, Refusal, Site, Table
from netweft.engine.queries.tags import ROOT_ID

HOSTS = 0

ROOT = "TAGS_CANNOT_EDIT_ROOT"
ITSELF = "TAGS_SPECIFIED_TAG_CANNOT_BE_THE_PARENT"


def prepare(site: Site) -> None:
    site.names["root"] = ROOT_ID
    site.add("/tags", "<tag><name>web</name></tag>", "web")
    site.add("/tags", "<tag><name>front</name><parent id='{web}'/></tag>", "front")
    site.add("/vms", f"<vm><name>one</name>{HOME}</vm>", "one")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/tags", f"<tag>{body}</tag>", code, words)


def change(rule: str, name: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", f"/tags/{{{name}}}", f"<tag>{body}</tag>", code, words)


TABLE: Table = (
    add("tag.name_is_valid", "<name>a b</name>", "TAGS_SPECIFIED_TAG_NAME_IS_INVALID", "'a b' is not valid"),
    add("tag.name_is_free", "<name>web</name>", "TAGS_SPECIFY_TAG_IS_IN_USE", "'web' is already used"),
    add("tag.name_is_free", "<name>root</name>", "TAGS_SPECIFY_TAG_IS_IN_USE", "'root' is already used"),
    change("tag.name_is_free", "web", "<name>root</name>", "TAGS_SPECIFY_TAG_IS_IN_USE", "'root' is already used"),
    change("tag.name_is_free", "front", "<name>web</name>", "TAGS_SPECIFY_TAG_IS_IN_USE", "'web' is already used"),
    add(
        "fields.text_is_valid",
        f"<name>x</name><description>{LONG}</description>",
        "VALIDATION_DESCRIPTION_INVALID",
        "4001 characters",
    ),
    change("tag.parent_is_elsewhere", "web", "<parent id='{web}'/>", ITSELF, "Tag web cannot be below itself"),
    change("tag.parent_is_elsewhere", "web", "<parent id='{front}'/>", ITSELF, "Tag web cannot be below itself"),
    change("tag.is_not_root", "root", "<name>top</name>", ROOT, "can be neither changed nor removed"),
    Refusal("tag.is_not_root", "DELETE", "/tags/{root}", "", ROOT, "can be neither changed nor removed"),
    Refusal("tag.is_not_root", "POST", "/vms/{one}/tags", "<tag id='{root}'/>", ROOT, "nothing is tagged with it"),
)
