// A host and its networks as the API tells of them, as a value; and what a network has on it besides its place, there and back, as oVirt's
// NetworkAttachment has it: a configuration is {v4, v6, dns, qos, properties}. Pure.
/** @import {Address, ApiAssignment, ApiAttachment, ApiFunctions, ApiHost, ApiIp, ApiLabels, ApiNetwork, ApiNic, ApiQos, Attachment, Bond, Cable, Card, Config, Host, Limits, Network, Nic, Parts} from './types.d.ts' */

/** @type {(text?: string) => boolean} */
const flag = (text) => text === 'true';
const ROLES = ['management', 'migration', 'gluster', 'display', 'vm'];
/** @type {(one: ApiLabels) => string[]} */
const tagged = (one) => (one.network_labels?.network_label ?? []).map((label) => label.id);

/** A host as oVirt's API shows it, followed by its NICs and their labels, its attachments, and the networks of its cluster and
 * theirs. `neighbours`: of its NICs; `cards`: its virtual interface cards.
 * @type {(tree: ApiHost, neighbours: Cable[], cards: Card[]) => Host} */
export function hostOf(tree, neighbours, cards) {
  const all = tree.nics.host_nic ?? [];
  const name = new Map(all.map((nic) => [nic.id, nic.name]));
  const cables = new Map(neighbours.map((one) => [one.nic, one.text]));
  const devices = all.filter((nic) => !nic.base_interface);
  const bonds = devices.filter((nic) => nic.bonding);
  const carriers = new Map(all.filter((nic) => nic.network).map((nic) => [nic.network?.id, nic]));
  const networks = (tree.cluster.networks.network ?? []).map(networkOf);
  const known = new Map(networks.map((network) => [network.uuid, network.id]));
  const attached = (tree.network_attachments.network_attachment ?? []).flatMap((one) => {
    const network = known.get(one.network.id);
    return network && one.host_nic ? [{ one, network, uplink: name.get(one.host_nic.id) ?? '' }] : [];
  });
  return {
    id: tree.id, name: tree.name, status: tree.status, cluster: tree.cluster.name, networks, cards,
    inSync: tree.networks_in_sync, committed: tree.networks_committed, vms: Number(tree.summary?.total ?? 0),
    nics: devices.filter((nic) => !nic.bonding).map((nic) => nicOf(nic, cables.get(nic.name), name)),
    bonds: Object.fromEntries(bonds.map((bond) => [bond.name, bondOf(bond, name)])),
    labels: Object.fromEntries(devices.flatMap((nic) => tagged(nic).map((label) => [label, nic.name]))),
    place: Object.fromEntries(attached.map(({ network, uplink }) => [network, uplink])),
    attachments: Object.fromEntries(attached.map(({ network, one }) => [network, attachmentOf(one, carriers.get(one.network.id))])),
  };
}

/** @type {(network: ApiNetwork) => Network} */
function networkOf(network) {
  const usages = network.usages?.usage ?? [];
  return {
    id: network.name, uuid: network.id, vlan: network.vlan ? Number(network.vlan.id) : null, mtu: Number(network.mtu) || 1500,
    roles: ROLES.filter((role) => usages.includes(role)), isForVms: usages.includes('vm'), label: tagged(network)[0] ?? '',
    required: flag(network.required), provider: Boolean(network.external_provider),
  };
}

/** @type {(nic: ApiNic, cable: string | undefined, name: Map<string, string>) => Nic} */
const nicOf = (nic, cable, name) => ({
  id: nic.name, uuid: nic.id, speed: Number(nic.speed ?? 0) / 1e9, up: nic.status === 'up', cable: cable ?? '', functions: functionsOf(nic.virtual_functions_configuration),
  of: name.get(nic.physical_function?.id ?? '') ?? '',
});

/** How many virtual functions a NIC has and can have, and whether they serve all networks; null where it knows none.
 * @type {(said?: ApiFunctions) => Nic['functions']} */
const functionsOf = (said) => (said ? { count: Number(said.number_of_virtual_functions), most: Number(said.max_number_of_virtual_functions), all: flag(said.all_networks_allowed) } : null);

/** @type {(bond: ApiNic, name: Map<string, string>) => Bond} */
function bondOf(bond, name) {
  const options = (bond.bonding?.options?.option ?? []).map((one) => [one.name, one.value]);
  return { nics: (bond.bonding?.slaves?.host_nic ?? []).map((slave) => name.get(slave.id) ?? ''), options: { mode: '4', ...Object.fromEntries(options) } };
}

/** `carrier`: the NIC or VLAN device that has the network, and its addresses. @type {(one: ApiAttachment, carrier?: ApiNic) => Attachment} */
function attachmentOf(one, carrier) {
  const config = configOf(one);
  const seen = { v4: seenOf(carrier?.ip), v6: seenOf(carrier?.ipv6) };
  return {
    id: one.id, inSync: flag(one.in_sync), config, seen,
    differences: (one.reported_configurations?.reported_configuration ?? []).filter((each) => !flag(each.in_sync)),
  };
}

/** @type {(ip?: ApiIp) => Address} */
const seenOf = (ip) => (ip?.address ? addressOf({ assignment_method: 'static', ip }) : NO_ADDRESS);

const NO_ADDRESS = { method: 'none', address: '', prefix: '', gateway: '' };
/** @type {[keyof Limits, keyof ApiQos][]} */
const LIMITS = [['share', 'outbound_average_linkshare'], ['upper', 'outbound_average_upperlimit'], ['real', 'outbound_average_realtime']];
/** @type {('v4' | 'v6')[]} */
const VERSIONS = ['v4', 'v6'];

/** Of a network that is attached and nothing more. `qos`: null means that of the network. @type {Config} */
export const EMPTY = { v4: NO_ADDRESS, v6: NO_ADDRESS, dns: [], qos: null, properties: {} };

/** @type {(attachment: ApiAttachment) => Config} */
export function configOf(attachment) {
  const assignments = attachment.ip_address_assignments?.ip_address_assignment ?? [];
  const of = (/** @type {string} */ version) => assignments.find((one) => one.ip?.version === version);
  const properties = (attachment.properties?.property ?? []).map((one) => [one.name, one.value]);
  return {
    v4: addressOf(of('v4')), v6: addressOf(of('v6')), dns: attachment.dns_resolver_configuration?.name_servers?.name_server ?? [],
    qos: qosOf(attachment.qos), properties: Object.fromEntries(properties.toSorted()),
  };
}

/** @type {(one?: ApiAssignment) => Address} */
const addressOf = (one) => (one ? { method: one.assignment_method ?? 'none', address: one.ip?.address ?? '', prefix: prefixOf(one.ip?.netmask ?? ''), gateway: one.ip?.gateway ?? '' } : NO_ADDRESS);
/** @type {(qos?: ApiQos) => Limits | null} */
const qosOf = (qos) => (qos ? /** @type {Limits} */ (Object.fromEntries(LIMITS.map(([name, said]) => [name, String(qos[said] ?? '')]))) : null);

/** @type {(netmask: string) => string} */
const bits = (netmask) => netmask.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0')).join('');
/** The length of a netmask that is dotted, or is that length. @type {(netmask: string) => string} */
const prefixOf = (netmask) => (netmask.includes('.') ? String(bits(netmask).indexOf('0') < 0 ? 32 : bits(netmask).indexOf('0')) : netmask);
/** @type {(prefix: string) => string} */
const netmaskOf = (prefix) => [0, 8, 16, 24].map((from) => 256 - 2 ** (8 - Math.max(0, Math.min(8, Number(prefix) - from)))).join('.');

/** @type {(a: unknown, b: unknown) => boolean} */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The parts of `wanted` that are other than in `now`. @type {(now: Config, wanted: Config) => Parts} */
export const difference = (now, wanted) => Object.fromEntries(Object.entries(wanted).filter(([part, value]) => !same(value, now[/** @type {keyof Config} */ (part)])));

/** What a request says so that an attachment becomes `config`, of which the parts in `set` differ from what it is. @type {(set: Parts, config: Config) => object} */
export function saying(set, config) {
  const addressed = VERSIONS.some((version) => set[version]);
  return {
    ...(addressed && { ip_address_assignments: { ip_address_assignment: VERSIONS.map((version) => assignment(version, config[version])) } }),
    ...(set.dns && { dns_resolver_configuration: set.dns.length ? { name_servers: { name_server: set.dns } } : {} }),
    ...(set.qos !== undefined && { qos: limits(set.qos) }),
    ...(set.properties && { properties: { property: Object.entries(set.properties).map(([name, value]) => ({ name, value })) } }),
  };
}

/** @type {(version: string, address: Address) => ApiAssignment} */
function assignment(version, { method, address, prefix, gateway }) {
  if (method !== 'static') return { assignment_method: method, ip: { version } };
  return { assignment_method: method, ip: { version, address, netmask: version === 'v4' ? netmaskOf(prefix) : prefix, ...(gateway && { gateway }) } };
}

/** @type {(qos?: Limits | null) => ApiQos} */
const limits = (qos) => Object.fromEntries(LIMITS.filter(([name]) => qos?.[name]).map(([name, said]) => [said, qos?.[name]]));

/** @type {Record<string, string>} */
const METHODS = { none: 'no address', dhcp: 'DHCP', autoconf: 'autoconf', poly_dhcp_autoconf: 'DHCP and autoconf' };
/** An address in words. @type {(address: Address) => string} */
export const told = ({ method, address, prefix, gateway }) => (method === 'static' ? `${address}/${prefix}${gateway ? ` via ${gateway}` : ''}` : METHODS[method]);

/** @type {(qos: Limits) => string} */
const limited = ({ share, upper, real }) => [share, upper && `at most ${upper}`, real && `promised ${real}`].filter(Boolean).join(', ');

/** The parts of a configuration that are set, in words. @type {(set: Parts) => string} */
export function described(set) {
  return [
    set.v4 && `IPv4 ${told(set.v4)}`,
    set.v6 && `IPv6 ${told(set.v6)}`,
    set.dns && (set.dns.length ? `DNS ${set.dns.join(', ')}` : 'DNS of the network'),
    set.qos !== undefined && (set.qos ? `QoS ${limited(set.qos)}` : 'QoS of the network'),
    set.properties && (Object.entries(set.properties).map(([name, value]) => `${name} ${value}`).join(', ') || 'no custom properties'),
  ].filter(Boolean).join('; ');
}
