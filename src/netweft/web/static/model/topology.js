// How guests of a host reach the physical switches, as columns of nodes and the edges between them. Pure.
// A node is {key, kind, name, ...}; the kinds, from left to right: vnic, network, bond, nic, port. A guest stands for its vNICs.

/** @import {Add, ApiTopology, Edges, GuestNode, Group, Kind, NodeOf, PortNode, Topology, TopologyNode, TopologyRow, VnicNode, Way} from './types.d.ts' */
export const MANY = 60;

/** @type {(kind: string, id: string) => string} */
const keyOf = (kind, id) => `${kind}:${id}`;
/** @type {(vlan: number | null) => string} */
const tag = (vlan) => (vlan === null ? 'untagged' : `VLAN ${vlan}`);

/** Everything by its key, and what leads from where to where: {guests, networks, uplinks, switches, nodes, right, left}. @type {(tree: ApiTopology) => Topology} */
export function topologyOf(tree) {
  /** @type {Topology['nodes']} */
  const nodes = new Map();
  /** @type {Edges} */
  const right = new Map();
  /** @type {Edges} */
  const left = new Map();
  /** @type {Add} */
  const add = (node) => { nodes.set(node.key, node); return node; };
  /** @type {(from: string, to: string) => void} */
  const join = (from, to) => {
    if (!nodes.has(from) || !nodes.has(to)) return;
    right.set(from, [...(right.get(from) ?? []), to]);
    left.set(to, [...(left.get(to) ?? []), from]);
  };
  const switches = switchesOf(tree.nics, add);
  const nics = tree.nics.map((nic) => add({ key: keyOf('nic', nic.name), kind: 'nic', name: nic.name, up: nic.up, speed: nic.speed, bond: nic.bond }));
  const bonds = tree.bonds.map((bond) => add({ key: keyOf('bond', bond.name), kind: 'bond', name: bond.name, up: bond.up, mode: bond.mode, nics: nics.filter((nic) => nic.bond === bond.name) }));
  const uplinks = [...bonds, ...nics.filter((nic) => !nic.bond)];
  const place = new Map(uplinks.map((one, n) => [one.name, n])); // networks stand in the order of their uplinks, so that few lines cross
  /** @type {(a: ApiTopology['networks'][0], b: ApiTopology['networks'][0]) => number} */
  const order = (a, b) => (place.get(a.uplink ?? '') ?? uplinks.length) - (place.get(b.uplink ?? '') ?? uplinks.length) || (a.vlan ?? 0) - (b.vlan ?? 0);
  const networks = tree.networks.toSorted(order).map((one) => add({ ...one, key: keyOf('network', one.id), kind: 'network', tag: tag(one.vlan) }));
  const guests = tree.guests.map((guest) => add({
    ...guest, key: keyOf('guest', guest.id), kind: 'guest', vnics: guest.vnics.map((one) => add({ ...one, key: keyOf('vnic', one.id), kind: 'vnic', guest: guest.name })),
  }));
  const uplink = (/** @type {string} */ name) => (nodes.has(keyOf('bond', name)) ? keyOf('bond', name) : keyOf('nic', name));
  for (const nic of tree.nics) for (const port of nic.ports) join(keyOf('nic', nic.name), portKey(port));
  for (const bond of bonds) for (const nic of bond.nics) join(bond.key, nic.key);
  for (const network of networks) if (network.uplink) join(network.key, uplink(network.uplink));
  for (const guest of guests) for (const one of guest.vnics) join(one.key, one.nic ? keyOf('nic', one.nic) : keyOf('network', one.network ?? ''));
  return { guests, networks, uplinks, switches, nodes, right, left };
}

/** @type {(port: { device: string, port: string }) => string} */
const portKey = (port) => keyOf('port', `${port.device} ${port.port}`);

/** @type {(nics: ApiTopology['nics'], add: Add) => Topology['switches']} */
function switchesOf(nics, add) {
  /** @type {Map<string, PortNode[]>} */
  const found = new Map();
  for (const port of nics.flatMap((nic) => nic.ports)) {
    found.set(port.device, [...(found.get(port.device) ?? []), add({ key: portKey(port), kind: 'port', name: port.port, device: port.device })]);
  }
  return [...found].map(([name, ports]) => ({ name, ports }));
}

/** @type {(edges: Edges, from: string, found?: Set<string>) => Set<string>} */
const reach = (edges, from, found = new Set()) => {
  for (const next of edges.get(from) ?? []) if (!found.has(next)) { found.add(next); reach(edges, next, found); }
  return found;
};

/** The keys of all that is on the way of a node: to its left and to its right. Null where nothing is selected. @type {(topology: Topology, key: string) => Set<string> | null} */
export function pathOf(topology, key) {
  const node = topology.nodes.get(key);
  if (!node) return null;
  const starts = node.kind === 'guest' ? node.vnics.map((one) => one.key) : [key];
  const found = new Set([key, ...starts, ...starts.flatMap((one) => [...reach(topology.right, one), ...reach(topology.left, one)])]);
  for (const guest of topology.guests) if (guest.vnics.some((one) => found.has(one.key))) found.add(guest.key);
  return found;
}

/** @type {<K extends Kind>(topology: Topology, keys: Set<string> | null, kind: K) => NodeOf<K>[]} */
const named = (topology, keys, kind) => [...keys ?? []].map((key) => topology.nodes.get(key)).filter((node) => isOf(node, kind));
/** @type {<K extends Kind>(node: TopologyNode | undefined, kind: K) => node is NodeOf<K>} */
const isOf = (node, kind) => node?.kind === kind;

/** The way of a vNIC, network, bond or NIC to the switches: {network, bond, nics, ports}. @type {(topology: Topology, key: string) => Way} */
function wayOf(topology, key) {
  const keys = new Set([key, ...reach(topology.right, key)]);
  return { network: named(topology, keys, 'network')[0], bond: named(topology, keys, 'bond')[0], nics: named(topology, keys, 'nic'), ports: named(topology, keys, 'port') };
}

/** The same as rows of a table: one for each vNIC, and one for each network, bond or NIC that no vNIC is over. @type {(topology: Topology) => TopologyRow[]} */
export function rowsOf(topology) {
  const { guests, networks, uplinks, left } = topology;
  /** @type {(key: string, more?: { guest: GuestNode, vnic: VnicNode }) => TopologyRow} */
  const row = (key, more) => ({ id: key, ...more, ...wayOf(topology, key) });
  const isIdle = (/** @type {TopologyNode} */ one) => !(left.get(one.key) ?? []).length;
  return [
    ...guests.flatMap((guest) => (guest.vnics.length ? guest.vnics.map((vnic) => row(vnic.key, { guest, vnic })) : [{ id: guest.key, guest, nics: [], ports: [] }])),
    ...networks.filter(isIdle).map((one) => row(one.key)),
    ...uplinks.filter(isIdle).map((one) => row(one.key)),
  ];
}

/** The guests by network, for hosts with many: [{key, name, guests}]. A guest is below each of its networks. @type {(topology: Topology) => Group[]} */
export function groupsOf(topology) {
  /** @type {(network: string) => (guest: GuestNode) => boolean} */
  const on = (network) => (guest) => guest.vnics.some((one) => one.network === network);
  const groups = topology.networks.map((network) => ({ key: network.id, name: network.name, to: network.key, guests: topology.guests.filter(on(network.id)) }));
  const others = topology.guests.filter((guest) => !guest.vnics.some((one) => one.network));
  return [...groups, { key: 'none', name: 'No network', guests: others }].filter((one) => one.guests.length);
}

/** A path in words. @type {(topology: Topology, key: string) => string} */
export function wordsOf(topology, key) {
  const node = topology.nodes.get(key);
  if (!node) return '';
  const list = (/** @type {Kind} */ kind) => named(topology, pathOf(topology, key), kind);
  /** @type {(kind: Kind, text: string) => string} */
  const of = (kind, text) => (node.kind === kind || !list(kind).length ? '' : `${text} ${list(kind).map((one) => one.name).join(', ')}`);
  const ports = named(topology, pathOf(topology, key), 'port').map((port) => `${port.name} of ${port.device}`).join(', ');
  const parts = [of('network', 'on'), of('bond', 'over'), of('nic', 'by'), node.kind === 'port' || !ports ? '' : `to port ${ports}`];
  const count = list('guest').length;
  const carried = ['guest', 'vnic'].includes(node.kind) ? '' : `; ${count} ${count === 1 ? 'guest' : 'guests'}`;
  return `${parts.filter(Boolean).join(' ') || 'reaches nothing'}${carried}`;
}
