"""Rules on users and their passwords."""

from __future__ import annotations

from netweft.core.errors import Problem

USER_NAME_MAX = 255
"""Characters of a whole user name, ``ann@internal``."""
PASSWORD_MIN = 12
"""Characters. Only the length is checked: rules about kinds of characters make people choose weaker passwords (NIST SP
800-63B).
"""
PASSWORD_MAX = 1024
"""Characters; more only makes hashing expensive."""


def user_name_is_valid(user_name: str) -> Problem | None:
    """A name that can be typed at a login and written in XML: no blanks, no control characters, no colon.

    The colon ends the name in HTTP Basic (RFC 7617).
    """
    name = user_name.rpartition("@")[0]
    if not name:
        return Problem("VALIDATION_NAME_INVALID", "A user needs a name, for example ann@internal.")
    if len(user_name) > USER_NAME_MAX:
        return Problem("VALIDATION_NAME_INVALID", f"The user name is too long. Use at most {USER_NAME_MAX} characters.")
    if ":" in name or any(character.isspace() or not character.isprintable() for character in user_name):
        text = f"The user name '{user_name}' contains a blank, a colon or a control character. Leave those out."
        return Problem("VALIDATION_NAME_INVALID", text)
    return None


def domain_is_known(domain: str, known: str) -> Problem | None:
    """The engine checks passwords of its own users only."""
    if domain == known:
        return None
    text = f"There are no users from '{domain}' here. Only users of '{known}' can be added, such as ann@{known}."
    return Problem("USER_MUST_EXIST_IN_DIRECTORY", text)


def user_name_is_free(user_name: str, is_used: bool) -> Problem | None:
    """A user name is one user's."""
    if not is_used:
        return None
    return Problem("ACTION_TYPE_FAILED_NAME_ALREADY_USED", f"There is a user {user_name} already.")


def detail_is_valid(what: str, text: str) -> Problem | None:
    """The other texts of a user fit on a line. ``what``: for example ``email``."""
    if len(text) <= USER_NAME_MAX and text.isprintable():
        return None
    text = f"The {what} has a control character or more than {USER_NAME_MAX} characters."
    return Problem("VALIDATION_NAME_INVALID", text)


def password_is_good(password: str) -> Problem | None:
    """A password is long enough that guessing it is hopeless, and something else than blanks."""
    if len(password) > PASSWORD_MAX:
        return Problem("USER_PASSWORD_INVALID", f"The password is too long. Use at most {PASSWORD_MAX} characters.")
    if len(password.strip()) < PASSWORD_MIN:
        return Problem("USER_PASSWORD_INVALID", f"The password is too short. Use at least {PASSWORD_MIN} characters.")
    return None


def is_another_user(user_name: str, is_oneself: bool) -> Problem | None:
    """Nobody removes themselves."""
    if not is_oneself:
        return None
    text = f"You are logged in as {user_name}. Let another administrator remove this user."
    return Problem("USER_CANNOT_REMOVE_HIMSELF", text)
