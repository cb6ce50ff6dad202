"""MAC pools, and addresses taken from them."""

from __future__ import annotations

from api.refusals.site import IN_DEFAULT, Refusal, Site, Table
from netweft.engine.operations import mac_addresses

HOSTS = 0

TWICE = "02:00:00:00:00:01"
OVERLAP = "ACTION_TYPE_FAILED_MAC_POOL_OVERLAPS_WITH_OTHER_POOLS"
WRONG = "ACTION_TYPE_FAILED_MAC_RANGE_INVALID"


def ranges(*pairs: tuple[str, str]) -> str:
    inside = "".join(f"<range><from>{first}</from><to>{last}</to></range>" for first, last in pairs)
    return f"<name>n</name><ranges>{inside}</ranges>"


def prepare(site: Site) -> None:
    site.names["Default"] = site.client.first_id("/macpools")
    first = str(site.client.xml("/macpools")[0].findtext("ranges/range/from"))
    site.names["first"] = first
    own = "<ranges><range><from>02:00:00:00:00:01</from><to>02:00:00:00:00:09</to></range></ranges>"
    pool = f"<mac_pool><name>mine</name><allow_duplicates>true</allow_duplicates>{own}</mac_pool>"
    site.add("/macpools", pool, "mine")
    for _ in range(2):
        site.insert(mac_addresses.take_mac, site.names["mine"], TWICE, name="mac")
    site.add("/clusters", f"<cluster><name>c</name>{IN_DEFAULT}<mac_pool id='{{mine}}'/></cluster>")
    tiny = "<ranges><range><from>02:00:00:00:0a:01</from><to>02:00:00:00:0a:01</to></range></ranges>"
    site.add("/macpools", f"<mac_pool><name>tiny</name>{tiny}</mac_pool>", "tiny")
    site.add("/clusters", f"<cluster><name>small</name>{IN_DEFAULT}<mac_pool id='{{tiny}}'/></cluster>", "small")
    site.add("/vms", "<vm><name>web</name><cluster id='{small}'/></vm>", "web")
    site.add("/vms/{web}/nics", "<nic><name>nic1</name></nic>")


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "POST", "/macpools", f"<mac_pool>{body}</mac_pool>", code, words)


def change(rule: str, body: str, code: str, words: str) -> Refusal:
    return Refusal(rule, "PUT", "/macpools/{mine}", f"<mac_pool>{body}</mac_pool>", code, words)


def nic(rule: str, mac: str, code: str, words: str) -> Refusal:
    body = f"<nic><name>nic2</name>{f'<mac><address>{mac}</address></mac>' if mac else ''}</nic>"
    return Refusal(rule, "POST", "/vms/{web}/nics", body, code, words)


FREE = ("02:00:00:00:01:01", "02:00:00:00:01:02")

TABLE: Table = (
    add(
        "fields.name_is_valid",
        ranges(FREE).replace("<name>n</name>", "<name/>"),
        "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY",
        "name may not be empty",
    ),
    add(
        "fields.name_is_free",
        ranges(FREE).replace("<name>n</name>", "<name>mine</name>"),
        "ACTION_TYPE_FAILED_NAME_ALREADY_USED",
        "name 'mine' is already used",
    ),
    change("fields.name_is_free", "<name>Default</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "is already used"),
    add("mac_pool.has_ranges", "<name>n</name>", "ACTION_TYPE_FAILED_MAC_POOL_MUST_HAVE_RANGE", "at least one range"),
    change("mac_pool.has_ranges", "<ranges/>", "ACTION_TYPE_FAILED_MAC_POOL_MUST_HAVE_RANGE", "at least one range"),
    add("mac_pool.range_is_valid", ranges(FREE[::-1]), WRONG, "runs downwards"),
    add("mac_pool.range_is_valid", ranges(("00:00:00:00:00:00", "00:00:00:00:00:01")), WRONG, "begins with no address"),
    add("mac_pool.range_is_valid", ranges(("03:00:00:00:00:00", "03:00:00:00:00:09")), WRONG, "contains multicast"),
    add(
        "mac_pool.range_is_valid",
        ranges(("02:01:00:00:00:00", "02:ff:00:00:00:00")),
        "ACTION_TYPE_FAILED_MAC_RANGE_TOO_LARGE",
        "holds more than",
    ),
    add(
        "mac_pool.ranges_are_apart",
        ranges(("02:01:00:00:00:00", "02:01:00:00:00:09"), ("02:01:00:00:00:09", "02:01:00:00:00:10")),
        "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_OVERLAPPING_RANGES",
        "of the pool overlap",
    ),
    add(
        "mac_pool.ranges_overlap_no_other_pool",
        ranges(("02:00:00:00:00:08", "02:00:00:00:01:01")),
        OVERLAP,
        "which overlap with ranges in MAC pools: mine",
    ),
    add("mac_pool.ranges_overlap_no_other_pool", ranges(("{first}", "{first}")), OVERLAP, "in MAC pools: Default"),
    change(
        "mac_pool.ranges_overlap_no_other_pool",
        ranges(("{first}", "{first}")).replace("<name>n</name>", ""),
        OVERLAP,
        "in MAC pools: Default",
    ),
    add(
        "mac_pool.default_is_not_requested",
        f"{ranges(FREE)}<default_pool>true</default_pool>",
        "ACTION_TYPE_FAILED_SETTING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED",
        "cannot be the default one",
    ),
    change(
        "mac_pool.default_is_kept",
        "<default_pool>true</default_pool>",
        "ACTION_TYPE_FAILED_CHANGING_DEFAULT_MAC_POOL_IS_NOT_SUPPORTED",
        "Which MAC pool is the default cannot change",
    ),
    change(
        "mac_pool.duplicates_may_be_forbidden",
        "<allow_duplicates>false</allow_duplicates>",
        "ACTION_TYPE_FAILED_MAC_POOL_CONTAINS_DUPLICATES",
        f"Cannot unset 'Allow Duplicates' when mac pool contains duplicate macs: {TWICE}",
    ),
    Refusal(
        "mac_pool.is_not_default",
        "DELETE",
        "/macpools/{Default}",
        "",
        "ACTION_TYPE_FAILED_CANNOT_REMOVE_DEFAULT_MAC_POOL",
        "is the default MAC pool",
    ),
    Refusal(
        "mac_pool.is_unused",
        "DELETE",
        "/macpools/{mine}",
        "",
        "ACTION_TYPE_FAILED_CANNOT_REMOVE_STILL_USED_MAC_POOL",
        "is used by clusters: c",
    ),
    nic("mac_pool.mac_is_valid", "nothing", "VALIDATION_VM_NETWORK_MAC_ADDRESS_INVALID", "'nothing' is no MAC address"),
    nic(
        "mac_pool.mac_is_valid",
        "00:00:00:00:00:00",
        "VALIDATION_VM_NETWORK_MAC_ADDRESS_INVALID",
        "is not a valid address",
    ),
    nic(
        "mac_pool.mac_is_valid",
        "03:00:00:00:00:01",
        "VALIDATION_VM_NETWORK_MAC_ADDRESS_MULTICAST",
        "is a multicast address",
    ),
    nic(
        "mac_pool.mac_is_free",
        "02:00:00:00:0a:01",
        "NETWORK_MAC_ADDRESS_IN_USE",
        "MAC Address 02:00:00:00:0a:01 is already in use by VM or snapshot: web",
    ),
    nic(
        "mac_pool.pool_has_free",
        "",
        "MAC_POOL_NOT_ENOUGH_MAC_ADDRESSES",
        "Not enough MAC addresses left in MAC Address Pool 'tiny'",
    ),
)
