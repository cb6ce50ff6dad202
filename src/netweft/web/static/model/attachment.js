// What a network has on a host besides its place: addresses, DNS name servers, QoS and custom properties, as oVirt's
// NetworkAttachment has them. Pure. A configuration is {v4, v6, dns, qos, properties}.

const NO_ADDRESS = { method: 'none', address: '', prefix: '', gateway: '' };
const LIMITS = { share: 'outbound_average_linkshare', upper: 'outbound_average_upperlimit', real: 'outbound_average_realtime' };
const VERSIONS = ['v4', 'v6'];

/** Of a network that is attached and nothing more. `qos`: null means that of the network. */
export const EMPTY = { v4: NO_ADDRESS, v6: NO_ADDRESS, dns: [], qos: null, properties: {} };

export function configOf(attachment) {
  const assignments = attachment.ip_address_assignments?.ip_address_assignment ?? [];
  const of = (version) => assignments.find((one) => one.ip?.version === version);
  const properties = (attachment.properties?.property ?? []).map((one) => [one.name, one.value]);
  return {
    v4: addressOf(of('v4')), v6: addressOf(of('v6')), dns: attachment.dns_resolver_configuration?.name_servers?.name_server ?? [],
    qos: qosOf(attachment.qos), properties: Object.fromEntries(properties.toSorted()),
  };
}

const addressOf = (one) => (one ? { method: one.assignment_method ?? 'none', address: one.ip?.address ?? '', prefix: prefixOf(one.ip?.netmask ?? ''), gateway: one.ip?.gateway ?? '' } : NO_ADDRESS);
const qosOf = (qos) => (qos ? Object.fromEntries(Object.entries(LIMITS).map(([name, said]) => [name, String(qos[said] ?? '')])) : null);

const bits = (netmask) => netmask.split('.').map((octet) => Number(octet).toString(2).padStart(8, '0')).join('');
/** The length of a netmask that is dotted, or is that length. */
const prefixOf = (netmask) => (netmask.includes('.') ? String(bits(netmask).indexOf('0') < 0 ? 32 : bits(netmask).indexOf('0')) : netmask);
const netmaskOf = (prefix) => [0, 8, 16, 24].map((from) => 256 - 2 ** (8 - Math.max(0, Math.min(8, Number(prefix) - from)))).join('.');

export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The parts of `wanted` that are other than in `now`. */
export const difference = (now, wanted) => Object.fromEntries(Object.entries(wanted).filter(([part, value]) => !same(value, now[part])));

/** What a request says so that an attachment becomes `config`, of which the parts in `set` differ from what it is. */
export function saying(set, config) {
  const addressed = VERSIONS.some((version) => set[version]);
  return {
    ...(addressed && { ip_address_assignments: { ip_address_assignment: VERSIONS.map((version) => assignment(version, config[version])) } }),
    ...(set.dns && { dns_resolver_configuration: set.dns.length ? { name_servers: { name_server: set.dns } } : {} }),
    ...(set.qos !== undefined && { qos: limits(set.qos) }),
    ...(set.properties && { properties: { property: Object.entries(set.properties).map(([name, value]) => ({ name, value })) } }),
  };
}

function assignment(version, { method, address, prefix, gateway }) {
  if (method !== 'static') return { assignment_method: method, ip: { version } };
  return { assignment_method: method, ip: { version, address, netmask: version === 'v4' ? netmaskOf(prefix) : prefix, ...(gateway && { gateway }) } };
}

const limits = (qos) => Object.fromEntries(Object.entries(LIMITS).filter(([name]) => qos?.[name]).map(([name, said]) => [said, qos[name]]));

const METHODS = { none: 'no address', dhcp: 'DHCP', autoconf: 'autoconf', poly_dhcp_autoconf: 'DHCP and autoconf' };
/** An address in words. */
export const told = ({ method, address, prefix, gateway }) => (method === 'static' ? `${address}/${prefix}${gateway ? ` via ${gateway}` : ''}` : METHODS[method]);

/** The parts of a configuration that are set, in words. */
export function described(set) {
  return [
    set.v4 && `IPv4 ${told(set.v4)}`,
    set.v6 && `IPv6 ${told(set.v6)}`,
    set.dns && (set.dns.length ? `DNS ${set.dns.join(', ')}` : 'DNS of the network'),
    set.qos !== undefined && (set.qos ? `QoS ${[['share', ''], ['upper', 'at most '], ['real', 'promised ']].filter(([name]) => set.qos[name]).map(([name, word]) => `${word}${set.qos[name]}`).join(', ')}` : 'QoS of the network'),
    set.properties && (Object.entries(set.properties).map(([name, value]) => `${name} ${value}`).join(', ') || 'no custom properties'),
  ].filter(Boolean).join('; ');
}
