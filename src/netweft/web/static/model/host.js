// A host and its networks as the API tells of them, as a value. Pure.
import { EMPTY, configOf } from './attachment.js';

const flag = (text) => text === 'true';
const ROLES = ['management', 'migration', 'gluster', 'display', 'vm'];
const tagged = (one) => (one.network_labels?.network_label ?? []).map((label) => label.id);

/** A host as oVirt's API shows it, followed by its NICs and their labels, its attachments, and the networks of its cluster and
 * theirs. `neighbours`: of its NICs; `cards`: its virtual interface cards. */
export function hostOf(tree, neighbours, cards) {
  const all = tree.nics.host_nic ?? [];
  const name = new Map(all.map((nic) => [nic.id, nic.name]));
  const cables = new Map(neighbours.map((one) => [one.nic, one.text]));
  const devices = all.filter((nic) => !nic.base_interface);
  const bonds = devices.filter((nic) => nic.bonding);
  const carriers = new Map(all.filter((nic) => nic.network).map((nic) => [nic.network.id, nic]));
  const networks = (tree.cluster.networks.network ?? []).map(networkOf);
  const known = new Map(networks.map((network) => [network.uuid, network.id]));
  const attached = (tree.network_attachments.network_attachment ?? []).filter((one) => known.has(one.network.id) && one.host_nic);
  return {
    id: tree.id, name: tree.name, status: tree.status, cluster: tree.cluster.name, networks, cards,
    inSync: tree.networks_in_sync, committed: tree.networks_committed, vms: Number(tree.summary?.total ?? 0),
    nics: devices.filter((nic) => !nic.bonding).map((nic) => nicOf(nic, cables.get(nic.name), name)),
    bonds: Object.fromEntries(bonds.map((bond) => [bond.name, bondOf(bond, name)])),
    labels: Object.fromEntries(devices.flatMap((nic) => tagged(nic).map((label) => [label, nic.name]))),
    place: Object.fromEntries(attached.map((one) => [known.get(one.network.id), name.get(one.host_nic.id)])),
    attachments: Object.fromEntries(attached.map((one) => [known.get(one.network.id), attachmentOf(one, carriers.get(one.network.id))])),
  };
}

function networkOf(network) {
  const usages = network.usages?.usage ?? [];
  return {
    id: network.name, uuid: network.id, vlan: network.vlan ? Number(network.vlan.id) : null, mtu: Number(network.mtu) || 1500,
    roles: ROLES.filter((role) => usages.includes(role)), isForVms: usages.includes('vm'), label: tagged(network)[0] ?? '',
    required: flag(network.required), provider: Boolean(network.external_provider),
  };
}

const nicOf = (nic, cable, name) => ({
  id: nic.name, uuid: nic.id, speed: Number(nic.speed ?? 0) / 1e9, up: nic.status === 'up', cable: cable ?? '', functions: functionsOf(nic.virtual_functions_configuration),
  of: name.get(nic.physical_function?.id) ?? '',
});

/** How many virtual functions a NIC has and can have, and whether they serve all networks; null where it knows none. */
const functionsOf = (said) => (said ? { count: Number(said.number_of_virtual_functions), most: Number(said.max_number_of_virtual_functions), all: flag(said.all_networks_allowed) } : null);

function bondOf(bond, name) {
  const options = (bond.bonding.options?.option ?? []).map((one) => [one.name, one.value]);
  return { nics: (bond.bonding.slaves?.host_nic ?? []).map((slave) => name.get(slave.id)), options: { mode: '4', ...Object.fromEntries(options) } };
}

/** `carrier`: the NIC or VLAN device that has the network, and its addresses. */
function attachmentOf(one, carrier) {
  const config = configOf(one);
  const seen = { v4: addressOf(carrier?.ip), v6: addressOf(carrier?.ipv6) };
  return {
    id: one.id, inSync: flag(one.in_sync), config, seen,
    differences: (one.reported_configurations?.reported_configuration ?? []).filter((each) => !flag(each.in_sync)),
  };
}

const addressOf = (ip) => (ip?.address ? configOf({ ip_address_assignments: { ip_address_assignment: [{ assignment_method: 'static', ip }] } })[ip.version] : EMPTY.v4);
