"""Users and their passwords."""

from __future__ import annotations

from api.refusals.site import Refusal, Site, Table
from api.served import ADMIN

HOSTS = 0

NAME = "VALIDATION_NAME_INVALID"
PASSWORD = "USER_PASSWORD_INVALID"


def prepare(site: Site) -> None:
    site.names["me"] = site.client.first_id("/users", search=f"usrname={ADMIN}")
    site.add("/users", "<user><user_name>ann@internal</user_name></user>", "ann")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    said = body if "<user_name>" in body else f"<user_name>bob@internal</user_name>{body}"
    return Refusal(rule, "POST", "/users", f"<user>{said}</user>", code, words)


TABLE: Table = (
    add("user.user_name_is_valid", "<user_name>@internal</user_name>", NAME, "A user needs a name"),
    add("user.user_name_is_valid", f"<user_name>{'x' * 256}@internal</user_name>", NAME, "The user name is too long"),
    add("user.user_name_is_valid", "<user_name>a b@internal</user_name>", NAME, "contains a blank"),
    add("user.user_name_is_valid", "<user_name>a:b@internal</user_name>", NAME, "a colon"),
    add(
        "user.domain_is_known",
        "<user_name>bob@example.org</user_name>",
        "USER_MUST_EXIST_IN_DIRECTORY",
        "There are no users from 'example.org' here",
    ),
    add(
        "user.user_name_is_free",
        "<user_name>ann@internal</user_name>",
        "ACTION_TYPE_FAILED_NAME_ALREADY_USED",
        "There is a user ann@internal already",
    ),
    add("user.detail_is_valid", f"<email>{'x' * 256}</email>", NAME, "The email has a control character or more than"),
    add("user.detail_is_valid", "<last_name>a&#10;b</last_name>", NAME, "The last name has a control character"),
    add("user.password_is_good", "<password>short</password>", PASSWORD, "Use at least 12 characters"),
    add("user.password_is_good", f"<password>{'x' * 1025}</password>", PASSWORD, "Use at most 1024 characters"),
    Refusal(
        "user.password_is_good",
        "PUT",
        "/netweft/v1/users/{ann}/password",
        '{"password": "short"}',
        PASSWORD,
        "Use at least 12 characters",
    ),
    Refusal("user.is_another_user", "DELETE", "/users/{me}", "", "USER_CANNOT_REMOVE_HIMSELF", "You are logged in as"),
)
