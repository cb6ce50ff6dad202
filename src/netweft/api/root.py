"""The entry point."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version as installed

from netweft.api.routes import API, LOGIN, Call, Route, Routes
from netweft.api.schema import reference
from netweft.api.types import (
    Api,
    ApiSummary,
    ApiSummaryItem,
    Link,
    ProductInfo,
    SpecialObjects,
    Tag,
    Template,
    User,
    Version,
)
from netweft.engine.db import Tx, utc_now
from netweft.engine.queries import totals
from netweft.engine.queries.tags import ROOT_ID
from netweft.engine.queries.templates import BLANK_ID
from netweft.engine.queries.totals import Total

SPOKEN = Version(major=4, minor=5, build=7, revision=0)
"""The version of oVirt whose API this is: clients choose by it between ways of asking (4.4 and later commit with the
change itself)."""


def routes_for(table: Sequence[Route]) -> Routes:
    """The entry point to these endpoints; its links are their collections."""
    routes = Routes("api")
    links = _links(table)

    @routes.get("", Api, needs=LOGIN)
    def get_api(call: Call[None]) -> Api:
        """The entry point: product, version and links."""
        with call.read() as tx:
            summary = _summary(tx)
        user = reference(User, call.actor.user_id or "")
        return Api(
            href="",
            link=links,
            product_info=_product(),
            special_objects=SpecialObjects(
                blank_template=reference(Template, BLANK_ID), root_tag=reference(Tag, ROOT_ID)
            ),
            summary=summary,
            time=utc_now(),
            authenticated_user=user,
            effective_user=user,
        )

    return routes


def _links(table: Sequence[Route]) -> list[Link]:
    found = []
    for route in table:
        path = route.path.strip("/")
        if route.root == API and route.method == "GET" and path and "/" not in path and not route.media:
            found.append(Link(href=f"/{path}", rel=path))
            if "search" in route.queries:
                found.append(Link(href=f"/{path}?search={{query}}", rel=f"{path}/search"))
    return sorted(found, key=lambda link: str(link.rel))


def _product() -> ProductInfo:
    own = installed("netweft")
    text = f"{SPOKEN.major}.{SPOKEN.minor}.{SPOKEN.build}-netweft-{own}"
    version = Version(
        major=SPOKEN.major, minor=SPOKEN.minor, build=SPOKEN.build, revision=SPOKEN.revision, full_version=text
    )
    return ProductInfo(name="Netweft", vendor="Netweft", version=version)


def _summary(tx: Tx) -> ApiSummary:
    def item(number: Total) -> ApiSummaryItem:
        return ApiSummaryItem(active=number.active, total=number.total)

    return ApiSummary(
        hosts=item(totals.of_hosts(tx)),
        storage_domains=ApiSummaryItem(active=0, total=0),
        users=item(totals.of_users(tx)),
        vms=item(totals.of_vms(tx)),
    )
