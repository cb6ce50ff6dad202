// The networks of a host as a value: what it has, what is wanted, and the request that makes one of the other. Pure.
// A draft is {bonds: {name: {mode, nics}}, place: {network: uplink}, sync: [network]}.

const flag = (text) => text === 'true';
const ROLES = ['management', 'migration', 'gluster', 'display', 'vm'];

/** A host as oVirt's API shows it, followed by its NICs, its attachments and the networks of its cluster. */
export function hostOf(tree, neighbours) {
  const all = tree.nics.host_nic ?? [];
  const name = new Map(all.map((nic) => [nic.id, nic.name]));
  const cables = new Map(neighbours.map((one) => [one.nic, one.text]));
  const devices = all.filter((nic) => !nic.base_interface);
  const bonds = devices.filter((nic) => nic.bonding);
  const networks = (tree.cluster.networks.network ?? []).map(networkOf);
  const known = new Map(networks.map((network) => [network.uuid, network.id]));
  const attached = (tree.network_attachments.network_attachment ?? []).filter((one) => known.has(one.network.id) && one.host_nic);
  return {
    id: tree.id, name: tree.name, status: tree.status, cluster: tree.cluster.name, networks,
    inSync: tree.networks_in_sync, committed: tree.networks_committed, vms: Number(tree.summary?.total ?? 0),
    nics: devices.filter((nic) => !nic.bonding).map((nic) => nicOf(nic, cables.get(nic.name))),
    bonds: Object.fromEntries(bonds.map((bond) => [bond.name, bondOf(bond, name)])),
    place: Object.fromEntries(attached.map((one) => [known.get(one.network.id), name.get(one.host_nic.id)])),
    attachments: Object.fromEntries(attached.map((one) => [known.get(one.network.id), attachmentOf(one)])),
  };
}

function networkOf(network) {
  const usages = network.usages?.usage ?? [];
  return {
    id: network.name, uuid: network.id, vlan: network.vlan ? Number(network.vlan.id) : null, mtu: Number(network.mtu) || 1500,
    roles: ROLES.filter((role) => usages.includes(role)), isForVms: usages.includes('vm'),
    required: flag(network.required), provider: Boolean(network.external_provider),
  };
}

const nicOf = (nic, cable) => ({ id: nic.name, speed: Number(nic.speed ?? 0) / 1e9, up: nic.status === 'up', cable: cable ?? '' });

const bondOf = (bond, name) => ({
  mode: bond.bonding.options?.option?.find((one) => one.name === 'mode')?.value ?? '4',
  nics: (bond.bonding.slaves?.host_nic ?? []).map((slave) => name.get(slave.id)),
});

function attachmentOf(one) {
  const ips = (one.ip_address_assignments?.ip_address_assignment ?? []).filter((each) => each.assignment_method !== 'none');
  return {
    id: one.id, inSync: flag(one.in_sync), ip: ips.map((each) => each.ip?.address || each.assignment_method.toUpperCase())[0] ?? '',
    differences: (one.reported_configurations?.reported_configuration ?? []).filter((each) => !flag(each.in_sync)),
  };
}

export const draftOf = (host) => ({ bonds: structuredClone(host.bonds), place: { ...host.place }, sync: [] });

/** NICs and bonds in the order in which they are shown. */
export function uplinks(host, draft) {
  const bonded = bondsByNic(draft);
  const found = new Map();
  for (const nic of host.nics) {
    const bond = bonded.get(nic.id);
    const id = bond ?? nic.id;
    if (!found.has(id)) found.set(id, { id, nics: [], speed: 0, mode: bond && draft.bonds[bond].mode });
    found.get(id).nics.push(nic);
    found.get(id).speed += nic.speed;
  }
  return [...found.values()];
}

const bondsByNic = (draft) => new Map(Object.entries(draft.bonds).flatMap(([name, bond]) => bond.nics.map((nic) => [nic, name])));

export const on = (host, draft, uplink) => host.networks.filter((network) => draft.place[network.id] === uplink);
export const off = (host, draft) => host.networks.filter((network) => !draft.place[network.id]);
export const outOfSync = (host, draft) => Object.keys(host.attachments).filter((id) => !host.attachments[id].inSync && !draft.sync.includes(id));

/** Why these networks may not go to this uplink, as far as it can be seen here, or null. The plan knows the rest. */
export function obstacle(host, draft, ids, uplink) {
  const coming = host.networks.filter((network) => ids.includes(network.id));
  if (coming.every((network) => draft.place[network.id] === uplink)) return 'Already here';
  const external = coming.find((network) => network.provider);
  if (external) return `${external.id} is carried by its provider`;
  const others = on(host, draft, uplink).filter((network) => !ids.includes(network.id));
  for (const network of coming) {
    const clash = [...others, ...coming.filter((one) => one !== network)].find((one) => one.vlan === network.vlan);
    if (clash) return network.vlan === null ? `Untagged slot taken by ${clash.id}` : `VLAN ${network.vlan} in use by ${clash.id}`;
  }
  return null;
}

const edit = (draft, change) => { const next = structuredClone(draft); change(next); return next; };
const moveAll = (draft, from, to) => { for (const id in draft.place) if (draft.place[id] === from) draft.place[id] = to; };

export const place = (draft, ids, uplink) => edit(draft, (d) => ids.forEach((id) => { d.place[id] = uplink; }));
export const detach = (draft, ids) => edit(draft, (d) => ids.forEach((id) => { delete d.place[id]; d.sync = d.sync.filter((one) => one !== id); }));
export const sync = (draft, id) => edit(draft, (d) => { d.sync = [...new Set([...d.sync, id])]; });

/** Take a NIC out of its bond. A bond of one NIC is none any more: its networks go to that NIC. */
export function release(draft, nic) {
  return edit(draft, (d) => {
    const [name, bond] = Object.entries(d.bonds).find(([, one]) => one.nics.includes(nic)) ?? [];
    if (!bond) return;
    bond.nics = bond.nics.filter((one) => one !== nic);
    if (bond.nics.length > 1) return;
    moveAll(d, name, bond.nics[0]);
    delete d.bonds[name];
  });
}

export const join = (draft, nic, bond) => edit(release(draft, nic), (d) => { d.bonds[bond].nics.push(nic); moveAll(d, nic, bond); });
export const bond = (draft, a, b, name, mode) => edit(release(draft, a), (d) => { d.bonds[name] = { mode, nics: [b, a] }; moveAll(d, a, name); moveAll(d, b, name); });
export function freeName(draft) { let n = 0; while (draft.bonds[`bond${n}`]) n += 1; return `bond${n}`; }

const members = (one) => one?.nics.toSorted().join(' + ');

/** The basket: what differs between what the host has and what is wanted. */
export function changes(host, draft) {
  return [...bondChanges(host.bonds, draft.bonds), ...host.networks.flatMap((network) => networkChanges(host, draft, network.id))];
}

function bondChanges(was, now) {
  const found = [];
  for (const name in now) {
    if (members(was[name]) === members(now[name])) continue;
    found.push({ key: `bond:${name}`, icon: 'link', verb: was[name] ? 'Change' : 'Bond', what: name, how: members(now[name]), bond: name });
  }
  for (const name in was) {
    if (!now[name]) found.push({ key: `bond:${name}`, icon: 'unlink', verb: 'Break', what: name, how: members(was[name]), bond: name });
  }
  return found;
}

function networkChanges(host, draft, id) {
  const was = host.place[id];
  const now = draft.place[id];
  const found = [];
  if (!was && now) found.push({ key: id, icon: 'plus', verb: 'Attach', what: id, how: `to ${now}`, net: id });
  else if (was && !now) found.push({ key: id, icon: 'minus', verb: 'Detach', what: id, how: `from ${was}`, net: id });
  else if (was !== now) found.push({ key: id, icon: 'arrow-right', verb: 'Move', what: id, how: `${was} to ${now}`, net: id });
  if (draft.sync.includes(id) && now) found.push({ key: `sync:${id}`, icon: 'refresh-cw', verb: 'Sync', what: id, how: 'to its definition', sync: id });
  return found;
}

/** The draft without one of its changes. Networks on a bond that is then not there are where they were. */
export function undoOne(host, draft, change) {
  return edit(draft, (d) => {
    if (change.sync) d.sync = d.sync.filter((one) => one !== change.sync);
    if (change.net) putBack(host, d, change.net);
    if (!change.bond) return;
    const nics = d.bonds[change.bond]?.nics ?? [];
    delete d.bonds[change.bond];
    if (host.bonds[change.bond]) d.bonds[change.bond] = structuredClone(host.bonds[change.bond]);
    const here = new Set(uplinks(host, d).map((one) => one.id));
    for (const id in d.place) {
      if (here.has(d.place[id])) continue;
      if (here.has(host.place[id])) d.place[id] = host.place[id];
      else if (here.has(nics[0])) d.place[id] = nics[0];
      else delete d.place[id];
    }
  });
}

function putBack(host, draft, id) {
  if (host.place[id]) draft.place[id] = host.place[id];
  else delete draft.place[id];
}

/** A draft that was made for what the host had then, for what it has now: what nobody changed here follows the host. */
export function rebase(before, after, draft) {
  const next = draftOf(after);
  for (const network of after.networks) {
    const id = network.id;
    if (draft.place[id] === before.place[id]) continue;
    if (draft.place[id]) next.place[id] = draft.place[id];
    else delete next.place[id];
  }
  for (const name of new Set([...Object.keys(draft.bonds), ...Object.keys(before.bonds)])) {
    if (members(draft.bonds[name]) === members(before.bonds[name])) continue;
    if (draft.bonds[name]) next.bonds[name] = structuredClone(draft.bonds[name]);
    else delete next.bonds[name];
  }
  next.sync = draft.sync.filter((id) => after.attachments[id] && !after.attachments[id].inSync);
  const here = new Set(uplinks(after, next).map((one) => one.id));
  for (const id in next.place) if (!here.has(next.place[id])) putBack(after, next, id);
  return next;
}

/** The body of the host's action setupnetworks. `seconds`: how long the host waits for the engine; `commit`: whether it boots with it. */
export function request(host, draft, { seconds, commit }) {
  const attachment = (id) => (host.attachments[id] ? { id: host.attachments[id].id } : { network: { id: host.networks.find((one) => one.id === id).uuid } });
  const ids = host.networks.map((network) => network.id);
  const moved = ids.filter((id) => draft.place[id] && draft.place[id] !== host.place[id]);
  const removed = ids.filter((id) => host.place[id] && !draft.place[id]);
  const changed = bondChanges(host.bonds, draft.bonds).map((change) => change.bond);
  const lists = {
    modified_bonds: ['host_nic', changed.filter((name) => draft.bonds[name]).map((name) => bondWish(name, draft.bonds[name], host.bonds[name]))],
    removed_bonds: ['host_nic', changed.filter((name) => !draft.bonds[name]).map((name) => ({ name }))],
    modified_network_attachments: ['network_attachment', moved.map((id) => ({ ...attachment(id), host_nic: { name: draft.place[id] } }))],
    removed_network_attachments: ['network_attachment', removed.map(attachment)],
    synchronized_network_attachments: ['network_attachment', draft.sync.map(attachment)],
  };
  const said = Object.entries(lists).filter(([, [, items]]) => items.length).map(([name, [item, items]]) => [name, { [item]: items }]);
  return { ...Object.fromEntries(said), check_connectivity: true, connectivity_timeout: seconds, commit_on_success: commit };
}

function bondWish(name, { mode, nics }, was) {
  const options = was ? {} : { options: { option: [{ name: 'mode', value: mode }] } };
  return { name, bonding: { ...options, slaves: { host_nic: nics.map((nic) => ({ name: nic })) } } };
}
