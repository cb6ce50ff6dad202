"""Events and jobs of other systems."""

from __future__ import annotations

from api.refusals.site import LONG, Refusal, Site, Table
from netweft.engine import queue
from netweft.engine.actor import SYSTEM

HOSTS = 0

ILLEGAL = "ACTION_TYPE_FAILED_EXTERNAL_EVENT_ILLEGAL"
EMPTY = "ACTION_TYPE_FAILED_EMPTY_DESCRIPTION"
OVER = "ACTION_TYPE_FAILED_JOB_ENDED"
STEP = "<step><description>copy</description><type>executing</type><status>started</status></step>"


def prepare(site: Site) -> None:
    for name in ("job", "done"):
        site.add("/jobs", "<job><description>backup</description></job>", name)
    site.names["own"] = site.engine.db.run(queue.enqueue, SYSTEM, "sweep", "sweep", "Sweeping", {})
    site.act("/jobs/{done}/end", "<succeeded>true</succeeded>")


def add(rule: str, code: str, words: str, origin: str = "x", description: str = "x", more: str = "") -> Refusal:
    body = f"<description>{description}</description><origin>{origin}</origin><severity>normal</severity>{more}"
    return Refusal(rule, "POST", "/events", f"<event>{body}</event>", code, words)


TABLE: Table = (
    add("event.origin_is_valid", ILLEGAL, "The origin needs 1 to 255 characters", origin=""),
    add("event.origin_is_valid", f"{ILLEGAL}_ORIGIN", "The origin oVirt is reserved for the engine", origin="ovirt"),
    add("event.description_is_valid", EMPTY, "The description needs 1 to 4000 characters", description=" "),
    add("event.description_is_valid", EMPTY, "The description needs 1 to 4000 characters", description=LONG),
    add("event.custom_id_is_valid", ILLEGAL, "The custom id must be at most", more="<custom_id>3000000000</custom_id>"),
    Refusal("event.description_is_valid", "POST", "/jobs", "<job><description> </description></job>", EMPTY, "needs 1"),
    Refusal("command", "POST", "/jobs/{done}/end", "<action/>", OVER, "has ended", 400),
    Refusal("command", "POST", "/jobs/{done}/steps", STEP, OVER, "has ended", 400),
    Refusal("event.description_is_valid", "POST", "/jobs/{job}/steps", STEP.replace("copy", ""), EMPTY, "needs 1"),
    Refusal(
        "command",
        "POST",
        "/jobs/{job}/clear",
        "<action/>",
        "ACTION_TYPE_FAILED_JOB_RUNS",
        "has not ended",
        400,
    ),
    Refusal(
        "command",
        "POST",
        "/jobs/{own}/end",
        "<action/>",
        "ACTION_TYPE_FAILED_JOB_NOT_EXTERNAL",
        "only jobs of other systems are changed from outside",
        400,
    ),
    Refusal("command", "GET", "/nothing", "", "NO_SUCH_PATH", "", 404),
)
