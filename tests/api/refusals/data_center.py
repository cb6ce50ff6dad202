"""Data centres, and the names and texts that all nouns have."""

from __future__ import annotations

from api.refusals.site import LONG, Refusal, Site, Table

HOSTS = 0


def prepare(site: Site) -> None:
    site.add("/datacenters", "<data_center><name>north</name></data_center>", "north")
    site.add("/clusters", "<cluster><name>c</name><data_center id='{north}'/></cluster>")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/datacenters", f"<data_center>{body}</data_center>", code, words)


def change(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", "/datacenters/{north}", f"<data_center>{body}</data_center>", code, words)


TABLE: Table = (
    add("fields.name_is_valid", "<name> </name>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "name may not be empty"),
    add(
        "fields.name_is_valid",
        f"<name>{'x' * 41}</name>",
        "ACTION_TYPE_FAILED_NAME_LENGTH_IS_TOO_LONG",
        "has 41 characters. Use at most 40",
    ),
    add("fields.name_is_valid", "<name>a&#10;b</name>", "VALIDATION_NAME_INVALID", "contains a control character"),
    add("fields.name_is_valid", "<name> n</name>", "VALIDATION_NAME_INVALID", "begins or ends with a blank"),
    add(
        "fields.text_is_valid",
        f"<name>n</name><description>{LONG}</description>",
        "VALIDATION_DESCRIPTION_INVALID",
        "The description of the Data Center has 4001 characters",
    ),
    add(
        "fields.text_is_valid",
        "<name>n</name><comment>&#x85;</comment>",
        "VALIDATION_DESCRIPTION_INVALID",
        "The comment of the Data Center contains a control character",
    ),
    add("fields.name_is_free", "<name>Default</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "is already used"),
    change("fields.name_is_free", "<name>Default</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "is already used"),
    add(
        "data_center.version_is_supported",
        "<name>n</name><version><major>3</major><minor>6</minor></version>",
        "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
        "Compatibility version 3.6 is not supported",
    ),
    change("fields.name_is_valid", "<name> </name>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "may not be empty"),
    change(
        "data_center.version_is_supported",
        "<version><major>5</major><minor>0</minor></version>",
        "ACTION_TYPE_FAILED_GIVEN_VERSION_NOT_SUPPORTED",
        "Compatibility version 5.0 is not supported",
    ),
    change(
        "data_center.version_is_not_above_clusters",
        "<version><major>4</major><minor>8</minor></version>",
        "ERROR_CANNOT_UPDATE_STORAGE_POOL_COMPATIBILITY_VERSION_BIGGER_THAN_CLUSTERS",
        "is above that of these clusters: c",
    ),
    Refusal(
        "data_center.has_no_clusters",
        "DELETE",
        "/datacenters/{north}",
        "",
        "ACTION_TYPE_FAILED_DATA_CENTER_HAS_CLUSTERS",
        "still has clusters: c",
    ),
)
