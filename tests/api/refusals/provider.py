"""Providers of external networks."""

from __future__ import annotations

from api.refusals.site import LONG, Refusal, Site, Table

HOSTS = 1

URL = "<url>http://up.example</url>"


def prepare(site: Site) -> None:
    for name in ("blue", "red"):
        body = f"<name>{name}</name><type>neutron</type>{URL}"
        site.add("/openstacknetworkproviders", f"<openstack_network_provider>{body}</openstack_network_provider>", name)


def add(rule: str, body: str, code: str, words: str) -> Refusal:
    if "<name" not in body:
        body += "<name>n</name>"
    if "<url" not in body:
        body += URL
    whole = f"<openstack_network_provider>{body}<type>neutron</type></openstack_network_provider>"
    return Refusal(rule, "POST", "/openstacknetworkproviders", whole, code, words)


def change(rule: str, body: str, code: str, words: str) -> Refusal:
    whole = f"<openstack_network_provider>{body}</openstack_network_provider>"
    return Refusal(rule, "PUT", "/openstacknetworkproviders/{blue}", whole, code, words)


def plugin(rule: str, inside: str, code: str, words: str) -> Refusal:
    return change(rule, f"<agent_configuration>{inside}</agent_configuration>", code, words)


def certify(words: str, content: str) -> Refusal:
    inside = f"<certificates><certificate><content>{content}</content></certificate></certificates>" if content else ""
    return Refusal(
        "provider.certificates_are_given",
        "POST",
        "/openstacknetworkproviders/{blue}/importcertificates",
        f"<action>{inside}</action>",
        "VALIDATION_PROVIDER_CERTIFICATE_INVALID",
        words,
    )


TABLE: Table = (
    Refusal(
        "provider.type_is_known",
        "POST",
        "/openstacknetworkproviders",
        f"<openstack_network_provider><name>n</name>{URL}<type>external</type></openstack_network_provider>",
        "ACTION_TYPE_FAILED_PROVIDER_NOT_SUPPORTED",
        "no provider type 'external'. There are: ",
    ),
    add("fields.name_is_valid", "<name/>", "ACTION_TYPE_FAILED_NAME_MAY_NOT_BE_EMPTY", "may not be empty"),
    add("fields.name_is_free", "<name>red</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'red' is already used"),
    change(
        "provider.type_stays",
        "<type>external</type>",
        "ACTION_TYPE_FAILED_CANNOT_CHANGE_PROVIDER_TYPE",
        "is 'neutron' and cannot become 'external'",
    ),
    change("fields.name_is_free", "<name>red</name>", "ACTION_TYPE_FAILED_NAME_ALREADY_USED", "'red' is already used"),
    change(
        "fields.text_is_valid", f"<comment>{LONG}</comment>", "VALIDATION_DESCRIPTION_INVALID", "has 4001 characters"
    ),
    add("provider.url_is_valid", "<url>neutron</url>", "VALIDATION_PROVIDER_URL_INVALID", "is not valid"),
    add("provider.address_is_valid", "<url>tcp:ovn</url>", "VALIDATION_PROVIDER_URL_INVALID", "Write it as tcp:"),
    add(
        "provider.certificates_are_of_use",
        "<url>tcp:ovn:6641</url><certificates><certificate><content>-----BEGIN CERTIFICATE-----\nMIIB\n"
        "-----END CERTIFICATE-----</content></certificate></certificates>",
        "ACTION_TYPE_FAILED_PROVIDER_HAS_NO_TLS",
        "Leave them out",
    ),
    change(
        "provider.url_is_valid", "<url>http://u:p@a</url>", "VALIDATION_PROVIDER_URL_INVALID", "a user or a password"
    ),
    change(
        "provider.authentication_url_is_valid",
        "<authentication_url>http://keystone:5000</authentication_url>",
        "VALIDATION_PROVIDER_AUTHENTICATION_URL_INVALID",
        "does not end with /v2.0 or /v3",
    ),
    change(
        "provider.authentication_is_complete",
        "<requires_authentication>true</requires_authentication><username>u</username>",
        "ACTION_TYPE_FAILED_PROVIDER_AUTHENTICATION_INCOMPLETE",
        "the authentication URL, the password, the tenant or the user domain are missing",
    ),
    change(
        "provider.password_is_valid",
        f"<password>{'x' * 201}</password>",
        "VALIDATION_PROVIDER_PASSWORD_INVALID",
        "over 200 characters",
    ),
    plugin(
        "provider.plugin_remote_is_valid",
        "<address>192.0.2.1:6642</address>",
        "VALIDATION_PROVIDER_PLUGIN_REMOTE_INVALID",
        "Write the southbound database as tcp:",
    ),
    plugin(
        "provider.plugin_remote_is_valid",
        "<address>tcp:192.0.2.1:6642,ssl:192.0.2.2:6642</address>",
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_NEEDS_PLAIN_REMOTE",
        "takes no ssl:",
    ),
    plugin(
        "provider.plugin_mappings_are_valid",
        "<network_mappings>physnet1:wire</network_mappings>",
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_INCOMPLETE",
        "and no address",
    ),
    plugin(
        "provider.plugin_mappings_are_valid",
        "<address>tcp:192.0.2.1:6642</address><network_mappings>physnet1</network_mappings>",
        "VALIDATION_PROVIDER_PLUGIN_MAPPINGS_INVALID",
        "Write each physical network once",
    ),
    change(
        "provider.plugin_is_known",
        "<external_plugin_type>linuxbridge</external_plugin_type>"
        "<agent_configuration><address>tcp:192.0.2.1:6642</address></agent_configuration>",
        "ACTION_TYPE_FAILED_PROVIDER_PLUGIN_NOT_SUPPORTED",
        "no plugin 'linuxbridge'",
    ),
    *(
        plugin(
            "fields.element_is_known",
            f"<{element}>1</{element}>",
            "ACTION_TYPE_FAILED_ELEMENT_NOT_SUPPORTED",
            f"agent_configuration.{element}",
        )
        for element in ("broker_type", "password", "port", "username")
    ),
    certify("is not in PEM", "MIIB"),
    certify("There is no certificate", ""),
    lambda site: site.client.put_xml(
        f"/clusters/{site.client.first_id('/clusters')}",
        "<cluster><external_network_providers><external_provider><name>blue</name></external_provider>"
        "</external_network_providers></cluster>",
    ),
    Refusal(
        "provider.is_no_default",
        "DELETE",
        "/openstacknetworkproviders/{blue}",
        "",
        "ACTION_TYPE_FAILED_PROVIDER_IN_USE",
        "default provider of these clusters: Default",
    ),
)
