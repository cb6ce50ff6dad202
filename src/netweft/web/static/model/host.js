// A host and its networks in the API, as a value; and the settings of a network on it, converted in both directions, as oVirt's
// NetworkAttachment has it: a configuration is {v4, v6, dns, qos, properties}. Pure.
/** @import {Address, ApiAddress, ApiAssignment, ApiAttachment, ApiHost, ApiLimits, ApiNetwork, ApiNic, ApiQos, Attachment, Config, Host, Limits, Network, Nic, Parts} from './types.d.ts' */

const ROLES = ['management', 'migration', 'gluster', 'display', 'vm'];

/** As oVirt's API says it. @type {(flag: boolean | null) => string | undefined} */
const said = (flag) => (flag === null ? undefined : String(flag));

/** A host from its representation in the API. @type {(found: ApiHost) => Host} */
export function hostOf(found) {
  const uplinks = new Set([...found.nics, ...found.bonds].map((one) => one.name));
  const name = new Map(found.networks.map((network) => [network.id, network.name]));
  const attached = found.attachments.flatMap((one) => {
    const network = name.get(one.network);
    return network && uplinks.has(one.uplink) ? [{ one, network }] : [];
  });
  return {
    id: found.id, name: found.name, status: found.status, cluster: found.cluster.name, networks: found.networks.map(networkOf), cards: found.cards,
    inSync: said(found.in_sync), committed: said(found.committed), vms: found.vms,
    nics: found.nics.map(nicOf),
    bonds: Object.fromEntries(found.bonds.map((bond) => [bond.name, { nics: bond.nics, options: bond.options }])),
    labels: Object.fromEntries([...found.nics, ...found.bonds].flatMap((one) => one.labels.map((label) => [label, one.name]))),
    place: Object.fromEntries(attached.map(({ one, network }) => [network, one.uplink])),
    attachments: Object.fromEntries(attached.map(({ one, network }) => [network, attachmentOf(one)])),
  };
}

/** @type {(network: ApiNetwork) => Network} */
const networkOf = (network) => ({
  id: network.name, uuid: network.id, vlan: network.vlan, mtu: network.mtu || 1500, roles: ROLES.filter((role) => network.roles.includes(role)),
  isForVms: network.roles.includes('vm'), label: network.label ?? '', required: network.required, provider: network.provided,
});

/** Of virtual functions, how many a NIC has and can have, and whether they serve all networks; null without SR-IOV. @type {(nic: ApiNic) => Nic} */
const nicOf = (nic) => ({
  id: nic.name, uuid: nic.id, speed: (nic.speed ?? 0) / 1000, up: nic.up, cable: nic.neighbours.join(', '), of: nic.physical ?? '',
  functions: nic.functions && { count: nic.functions.count, most: nic.functions.max, all: nic.functions.all_networks },
});

/** @type {(one: ApiAttachment) => Attachment} */
const attachmentOf = (one) => ({
  id: one.id, inSync: one.in_sync, differences: one.differences, seen: { v4: seenOf(one.ipv4.current), v6: seenOf(one.ipv6.current) },
  config: { v4: addressOf(one.ipv4), v6: addressOf(one.ipv6), dns: one.dns ?? [], qos: one.qos && limitsOf(one.qos), properties: one.properties },
});

/** @type {(one: ApiAddress & { method: string }) => Address} */
const addressOf = ({ method, address, prefix, gateway }) => ({ method, address: address ?? '', prefix: String(prefix ?? ''), gateway: gateway ?? '' });
/** @type {(current: ApiAddress | null) => Address} */
const seenOf = (current) => (current ? addressOf({ method: 'static', ...current }) : NO_ADDRESS);
/** @type {(qos: ApiLimits) => Limits} */
const limitsOf = ({ share, upper_limit: upper, real_time: real }) => ({ share: String(share ?? ''), upper: String(upper ?? ''), real: String(real ?? '') });

const NO_ADDRESS = { method: 'none', address: '', prefix: '', gateway: '' };
/** @type {[keyof Limits, keyof ApiQos][]} */
const LIMITS = [['share', 'outbound_average_linkshare'], ['upper', 'outbound_average_upperlimit'], ['real', 'outbound_average_realtime']];
/** @type {('v4' | 'v6')[]} */
const VERSIONS = ['v4', 'v6'];

/** Of a network that is attached and nothing more. `qos`: null means that of the network. @type {Config} */
export const EMPTY = { v4: NO_ADDRESS, v6: NO_ADDRESS, dns: [], qos: null, properties: {} };

/** @type {(prefix: string) => string} */
const netmaskOf = (prefix) => [0, 8, 16, 24].map((from) => 256 - 2 ** (8 - Math.max(0, Math.min(8, Number(prefix) - from)))).join('.');

/** @type {(a: unknown, b: unknown) => boolean} */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The parts of `desired` that are other than in `now`. @type {(now: Config, desired: Config) => Parts} */
export const difference = (now, desired) => Object.fromEntries(Object.entries(desired).filter(([part, value]) => !same(value, now[/** @type {keyof Config} */ (part)])));

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
export const addressText = ({ method, address, prefix, gateway }) => (method === 'static' ? `${address}/${prefix}${gateway ? ` via ${gateway}` : ''}` : METHODS[method]);

/** @type {(qos: Limits) => string} */
const limited = ({ share, upper, real }) => [share, upper && `at most ${upper}`, real && `promised ${real}`].filter(Boolean).join(', ');

/** The parts of a configuration that are set, in words. @type {(set: Parts) => string} */
export function described(set) {
  return [
    set.v4 && `IPv4 ${addressText(set.v4)}`,
    set.v6 && `IPv6 ${addressText(set.v6)}`,
    set.dns && (set.dns.length ? `DNS ${set.dns.join(', ')}` : 'DNS of the network'),
    set.qos !== undefined && (set.qos ? `QoS ${limited(set.qos)}` : 'QoS of the network'),
    set.properties && (Object.entries(set.properties).map(([name, value]) => `${name} ${value}`).join(', ') || 'no custom properties'),
  ].filter(Boolean).join('; ');
}
