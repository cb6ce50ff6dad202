// The networks of a host as a value: the desired state, its differences from the actual one, its changes, and the requests for it. Pure.
// A draft is {bonds: {name: {nics, options}}, place: {network: uplink}, labels: {label: uplink}, set: {network: parts of its
// configuration that change}, sync: [network]}.
import { EMPTY, described, difference, same, saying } from './host.js';
/** @import {Address, Bond, BondOptions, Change, Config, Draft, Host, Limits, Network, Uplink} from './types.d.ts' */
/** @typedef {Record<string, string>} Names */

/** @type {(host: Host) => Draft} */
export const draftOf = (host) => ({ bonds: structuredClone(host.bonds), place: { ...host.place }, labels: { ...host.labels }, set: {}, sync: [] });

/** NICs and bonds in the order in which they are shown. @type {(host: Host, draft: Draft) => Uplink[]} */
export function uplinks(host, draft) {
  const bonded = bondsByNic(draft);
  /** @type {Map<string, Uplink>} */
  const found = new Map();
  for (const nic of host.nics) {
    const bond = bonded.get(nic.id);
    const id = bond ?? nic.id;
    const one = found.get(id) ?? { id, nics: [], speed: 0, mode: bond && draft.bonds[bond].options.mode };
    one.nics.push(nic);
    one.speed += nic.speed;
    found.set(id, one);
  }
  return [...found.values()];
}

/** @type {(draft: Draft) => Map<string, string>} */
const bondsByNic = (draft) => new Map(Object.entries(draft.bonds).flatMap(([name, one]) => one.nics.map((nic) => [nic, name])));

/** @type {(host: Host, draft: Draft, uplink: string) => Network[]} */
export const on = (host, draft, uplink) => host.networks.filter((network) => draft.place[network.id] === uplink);
/** @type {(host: Host, draft: Draft) => Network[]} */
export const off = (host, draft) => host.networks.filter((network) => !draft.place[network.id]);
/** @type {(host: Host, draft: Draft) => string[]} */
export const outOfSync = (host, draft) => Object.keys(host.attachments).filter((id) => !host.attachments[id].inSync && !draft.sync.includes(id));
/** @type {(draft: Draft, uplink: string) => string[]} */
export const labelsOn = (draft, uplink) => Object.keys(draft.labels).filter((label) => draft.labels[label] === uplink).toSorted();
/** Every label that a network or an uplink has, with the names of its networks. @type {(host: Host, draft: Pick<Draft, 'labels'>) => [string, string[]][]} */
export const labelsOf = (host, draft) => [...new Set([...host.networks.map((one) => one.label), ...Object.keys(draft.labels)])].filter(Boolean).toSorted()
  .map((label) => [label, host.networks.filter((one) => one.label === label).map((one) => one.id)]);

/** What a network is to have on the host besides its place. @type {(host: Host, draft: Draft, id: string) => Config} */
export const configured = (host, draft, id) => ({ ...(host.attachments[id]?.config ?? EMPTY), ...draft.set[id] });

/** Why these networks may not go to this uplink, as far as it can be seen here, or null. The plan knows the rest.
 * @type {(host: Host, draft: Draft, ids: string[], uplink: string) => string | null} */
export function obstacle(host, draft, ids, uplink) {
  const coming = host.networks.filter((network) => ids.includes(network.id));
  if (coming.every((network) => draft.place[network.id] === uplink)) return 'Already here';
  const external = coming.find((network) => network.provider);
  if (external) return `${external.id} is carried by its provider`;
  const held = coming.find((network) => holder(draft, network) && holder(draft, network) !== uplink);
  if (held) return `${held.id} goes with the label ${held.label}`;
  const others = on(host, draft, uplink).filter((network) => !ids.includes(network.id));
  for (const network of coming) {
    const clash = [...others, ...coming.filter((one) => one !== network)].find((one) => one.vlan === network.vlan);
    if (clash) return network.vlan === null ? `Untagged slot taken by ${clash.id}` : `VLAN ${network.vlan} in use by ${clash.id}`;
  }
  return null;
}

/** The uplink that has a network's label. @type {(draft: Draft, network: Network) => string | undefined} */
export const holder = (draft, network) => (network.label ? draft.labels[network.label] : undefined);

/** @type {(draft: Draft, change: (next: Draft) => void) => Draft} */
function edit(draft, change) {
  const next = structuredClone(draft);
  change(next);
  for (const id in next.set) if (!next.place[id]) delete next.set[id];
  next.sync = next.sync.filter((id) => next.place[id]);
  return next;
}

/** @type {(draft: Draft, from: string, to: string) => void} */
function moveAll(draft, from, to) {
  for (const where of [draft.place, draft.labels]) for (const id in where) if (where[id] === from) where[id] = to;
}

/** @type {(draft: Draft, ids: string[], uplink: string) => Draft} */
export const place = (draft, ids, uplink) => edit(draft, (d) => ids.forEach((id) => { d.place[id] = uplink; }));
/** @type {(draft: Draft, ids: string[]) => Draft} */
export const detach = (draft, ids) => edit(draft, (d) => ids.forEach((id) => { delete d.place[id]; }));
/** @type {(draft: Draft, id: string) => Draft} */
export const sync = (draft, id) => edit(draft, (d) => { d.sync = [...new Set([...d.sync, id])]; });

/** Give a network on the host this configuration. @type {(host: Host, draft: Draft, id: string, config: Config) => Draft} */
export const configure = (host, draft, id, config) => edit(draft, (d) => setParts(host, d, id, config));

/** @type {(host: Host, draft: Draft, id: string, config: Config) => void} */
function setParts(host, draft, id, config) {
  const set = difference(host.attachments[id]?.config ?? EMPTY, config);
  if (Object.keys(set).length) draft.set[id] = set;
  else delete draft.set[id];
}

/** Have an uplink carry exactly these labels. The networks of a label go with it, as the engine has them do. @type {(host: Host, draft: Draft, uplink: string, labels: string[]) => Draft} */
export function label(host, draft, uplink, labels) {
  return edit(draft, (d) => {
    for (const one of labelsOn(d, uplink)) if (!labels.includes(one)) carry(host, d, one, undefined);
    for (const one of labels) if (d.labels[one] !== uplink) carry(host, d, one, uplink);
  });
}

/** @type {(host: Host, draft: Draft, name: string, uplink: string | undefined) => void} */
function carry(host, draft, name, uplink) {
  const from = draft.labels[name];
  if (uplink) draft.labels[name] = uplink;
  else delete draft.labels[name];
  for (const network of host.networks.filter((one) => one.label === name)) {
    if (uplink) draft.place[network.id] = uplink;
    else if (draft.place[network.id] === from && !isManagement(network)) delete draft.place[network.id];
  }
}

/** The management network stays where it is when its label goes. @type {(network: Pick<Network, 'roles'>) => boolean} */
const isManagement = (network) => network.roles.includes('management');

/** Take a NIC out of its bond. A bond of one NIC is none any more: its networks and labels go to that NIC. @type {(draft: Draft, nic: string) => Draft} */
export function release(draft, nic) {
  return edit(draft, (d) => {
    const name = bondsByNic(d).get(nic);
    if (!name) return;
    const one = d.bonds[name];
    one.nics = one.nics.filter((other) => other !== nic);
    if (one.options.primary === nic) delete one.options.primary;
    if (one.nics.length > 1) return;
    moveAll(d, name, one.nics[0]);
    delete d.bonds[name];
  });
}

/** @type {(draft: Draft, nic: string, bond: string) => Draft} */
export const join = (draft, nic, bond) => edit(release(draft, nic), (d) => { d.bonds[bond].nics.push(nic); moveAll(d, nic, bond); });
/** @type {(draft: Draft, a: string, b: string, name: string, options: BondOptions) => Draft} */
export const bond = (draft, a, b, name, options) => edit(release(draft, a), (d) => { d.bonds[name] = { nics: [b, a], options }; moveAll(d, a, name); moveAll(d, b, name); });
/** @type {(draft: Draft, name: string, options: BondOptions) => Draft} */
export const tune = (draft, name, options) => edit(draft, (d) => { d.bonds[name].options = options; });
/** @type {(draft: Draft) => string} */
export function freeName(draft) { let n = 0; while (draft.bonds[`bond${n}`]) n += 1; return `bond${n}`; }

/** @type {(one?: Bond) => string} */
const members = (one) => (one?.nics ?? []).toSorted().join(' + ');
/** @type {(options?: BondOptions) => [string, string][]} */
const sorted = (options) => Object.entries(options ?? {}).toSorted();
/** @type {(a?: BondOptions, b?: BondOptions) => boolean} */
const sameOptions = (a, b) => same(sorted(a), sorted(b));
/** @type {(a?: Bond, b?: Bond) => boolean} */
const isSame = (a, b) => members(a) === members(b) && sameOptions(a?.options, b?.options);

/** The basket: the differences between the actual and the desired state. @type {(host: Host, draft: Draft) => Change[]} */
export function changes(host, draft) {
  return [...bondChanges(host.bonds, draft.bonds), ...labelChanges(host, draft), ...host.networks.flatMap((network) => networkChanges(host, draft, network))];
}

/** @type {(was: Record<string, Bond>, now: Record<string, Bond>) => (Change & { bond: string })[]} */
function bondChanges(was, now) {
  const found = [];
  for (const name in now) {
    if (isSame(was[name], now[name])) continue;
    const how = members(was[name]) === members(now[name]) ? sorted(now[name].options).map((pair) => pair.join(' ')).join(', ') : members(now[name]);
    found.push({ key: `bond:${name}`, icon: 'link', verb: was[name] ? 'Change' : 'Bond', what: name, how, bond: name });
  }
  for (const name in was) {
    if (!now[name]) found.push({ key: `bond:${name}`, icon: 'unlink', verb: 'Break', what: name, how: members(was[name]), bond: name });
  }
  return found;
}

/** @type {(host: Host, draft: Draft) => (Change & { label: string })[]} */
function labelChanges(host, draft) {
  return labelsOf(host, { labels: { ...host.labels, ...draft.labels } }).filter(([name]) => host.labels[name] !== draft.labels[name]).map(([name, networks]) => {
    const [was, now] = [host.labels[name], draft.labels[name]];
    const verb = now ? (was ? 'Move label' : 'Add label') : 'Remove label';
    const come = host.networks.filter((network) => networks.includes(network.id) && isCarried(host, draft, network)).map((network) => network.id);
    return { key: `label:${name}`, icon: 'tag', verb, what: name, how: `${now ? `to ${now}` : `from ${was}`}${come.length ? `, with ${come.join(', ')}` : ''}`, label: name };
  });
}

/** Whether a network is where it is to be, or gone, because its label is: no request has to say so. @type {(host: Host, draft: Draft, network: Network) => boolean} */
function isCarried(host, draft, { id, label: name, roles }) {
  const [was, now] = [host.labels[name], draft.labels[name]];
  if (!name || was === now || draft.place[id] === host.place[id]) return false;
  return now ? draft.place[id] === now : !draft.place[id] && host.place[id] === was && !isManagement({ roles });
}

/** @type {(host: Host, draft: Draft, network: Network) => Change[]} */
function networkChanges(host, draft, network) {
  const { id } = network;
  const [was, now] = [host.place[id], draft.place[id]];
  /** @type {Change[]} */
  const found = [];
  if (was !== now && !isCarried(host, draft, network)) found.push({ key: id, ...placed(was, now), what: id, net: id });
  if (draft.set[id]) found.push({ key: `set:${id}`, icon: 'pencil', verb: 'Change', what: id, how: described(draft.set[id]), set: id });
  if (draft.sync.includes(id)) found.push({ key: `sync:${id}`, icon: 'refresh-cw', verb: 'Sync', what: id, how: 'to its definition', sync: id });
  return found;
}

/** @type {(was: string | undefined, now: string | undefined) => Pick<Change, 'icon' | 'verb' | 'how'>} */
function placed(was, now) {
  if (!was) return { icon: 'plus', verb: 'Attach', how: `to ${now}` };
  if (!now) return { icon: 'minus', verb: 'Detach', how: `from ${was}` };
  return { icon: 'arrow-right', verb: 'Move', how: `${was} to ${now}` };
}

/** What becomes of each network, in a word beside its name. @type {(host: Host, draft: Draft) => Map<string, string>} */
export function marks(host, draft) {
  const found = new Map(Object.keys(draft.set).map((id) => [id, 'Changed']));
  for (const id of draft.sync) found.set(id, 'Will sync');
  for (const { id } of host.networks) if (draft.place[id] !== host.place[id]) found.set(id, host.place[id] ? (draft.place[id] ? 'Moved' : 'Off') : 'New');
  return found;
}

/** The draft without one of its changes. Networks and labels on a bond that is then not there are where they were. @type {(host: Host, draft: Draft, change: Change) => Draft} */
export function undoOne(host, draft, change) {
  return edit(draft, (d) => {
    if (change.sync) d.sync = d.sync.filter((one) => one !== change.sync);
    if (change.set) delete d.set[change.set];
    if (change.net) putBack(host.place, d.place, change.net);
    if (change.label) {
      putBack(host.labels, d.labels, change.label);
      for (const network of host.networks) if (network.label === change.label) putBack(host.place, d.place, network.id);
    }
    const name = change.bond ?? '';
    const nics = d.bonds[name]?.nics ?? [];
    delete d.bonds[name];
    if (host.bonds[name]) d.bonds[name] = structuredClone(host.bonds[name]);
    settle(host, d, nics[0]);
  });
}

/** @type {(was: Names, now: Names, id: string) => void} */
function putBack(was, now, id) {
  if (was[id]) now[id] = was[id];
  else delete now[id];
}

/** Bring what is on an uplink that is not there to where it was, else to `instead`, else off the host. @type {(host: Host, draft: Draft, instead?: string) => void} */
function settle(host, draft, instead) {
  const here = new Set(uplinks(host, draft).map((one) => one.id));
  for (const [was, now] of [[host.place, draft.place], [host.labels, draft.labels]]) {
    for (const id in now) {
      if (here.has(now[id])) continue;
      if (here.has(was[id])) now[id] = was[id];
      else if (instead && here.has(instead)) now[id] = instead;
      else delete now[id];
    }
  }
}

/** A draft for an earlier state of the host, adapted to the present one: unchanged parts follow the host. @type {(before: Host, after: Host, draft: Draft) => Draft} */
export function rebase(before, after, draft) {
  const isHere = (/** @type {string} */ id) => after.networks.some((network) => network.id === id);
  return edit(draftOf(after), (next) => {
    for (const where of /** @type {('place' | 'labels')[]} */ (['place', 'labels'])) {
      for (const id of new Set([...Object.keys(draft[where]), ...Object.keys(before[where])])) {
        if (draft[where][id] !== before[where][id] && (where === 'labels' || isHere(id))) putBack(draft[where], next[where], id);
      }
    }
    for (const name of new Set([...Object.keys(draft.bonds), ...Object.keys(before.bonds)])) {
      if (isSame(draft.bonds[name], before.bonds[name])) continue;
      if (draft.bonds[name]) next.bonds[name] = structuredClone(draft.bonds[name]);
      else delete next.bonds[name];
    }
    for (const id in draft.set) if (isHere(id)) setParts(after, next, id, { ...configured(after, next, id), ...draft.set[id] });
    next.sync = draft.sync.filter((id) => after.attachments[id] && !after.attachments[id].inSync);
    settle(after, next);
  });
}

/** The body of oVirt's action setupnetworks. `seconds`: how long the host waits for the engine; `commit`: whether it boots with the change.
 * @type {(host: Host, draft: Draft, options: { seconds: number, commit: boolean }) => object} */
export function request(host, draft, { seconds, commit }) {
  const { bonds, labels, sent, removed } = parted(host, draft);
  const reference = (/** @type {string} */ id) => (host.attachments[id] ? { id: host.attachments[id].id } : { network: { id: uuid(host, id) } });
  /** @type {Record<string, [string, object[]]>} */
  const lists = {
    modified_bonds: ['host_nic', bonds.made.map((name) => bondWish(name, draft.bonds[name], host.bonds[name]))],
    removed_bonds: ['host_nic', bonds.gone.map((name) => ({ name }))],
    modified_labels: ['network_label', labels.made.map((id) => ({ id, host_nic: { name: draft.labels[id] } }))],
    removed_labels: ['network_label', labels.gone.map((id) => ({ id }))],
    modified_network_attachments: ['network_attachment', sent.map((id) => ({ ...reference(id), host_nic: { name: draft.place[id] }, ...saying(draft.set[id] ?? {}, configured(host, draft, id)) }))],
    removed_network_attachments: ['network_attachment', removed.map(reference)],
    synchronized_network_attachments: ['network_attachment', draft.sync.map(reference)],
  };
  const said = Object.entries(lists).filter(([, [, items]]) => items.length).map(([name, [item, items]]) => [name, { [item]: items }]);
  return { ...Object.fromEntries(said), check_connectivity: true, connectivity_timeout: seconds, commit_on_success: commit };
}

/** @type {(host: Host, id: string) => string | undefined} */
const uuid = (host, id) => host.networks.find((one) => one.id === id)?.uuid;

/** What there is to say, by its names. What comes and goes with a label is not said.
 * @param {Host} host @param {Draft} draft */
function parted(host, draft) {
  /** @type {(names: string[], now: Record<string, unknown>) => { made: string[], gone: string[] }} */
  const split = (names, now) => ({ made: names.filter((name) => now[name]), gone: names.filter((name) => !now[name]) });
  const own = new Set(host.networks.filter((network) => !isCarried(host, draft, network)));
  /** @type {(holds: (network: Network) => unknown) => string[]} */
  const ids = (holds) => host.networks.filter(holds).map((network) => network.id);
  return {
    bonds: split(bondChanges(host.bonds, draft.bonds).map((one) => one.bond), draft.bonds),
    labels: split(labelChanges(host, draft).map((one) => one.label), draft.labels),
    sent: ids((network) => draft.set[network.id] || (own.has(network) && isPlaced(host, draft, network))),
    removed: ids((network) => own.has(network) && host.place[network.id] && !draft.place[network.id]),
  };
}

/** Whether a network is to be somewhere else, or to stay although its label goes. @type {(host: Host, draft: Draft, network: Network) => boolean} */
function isPlaced(host, draft, network) {
  if (!draft.place[network.id]) return false;
  const stays = network.label && host.labels[network.label] === host.place[network.id] && !draft.labels[network.label];
  return draft.place[network.id] !== host.place[network.id] || Boolean(stays);
}

/** @type {(name: string, bond: Bond, was?: Bond) => object} */
function bondWish(name, { nics, options }, was) {
  const said = was && sameOptions(was.options, options) ? {} : { options: { option: Object.entries(options).map(([option, value]) => ({ name: option, value })) } };
  return { name, bonding: { ...said, slaves: { host_nic: nics.map((nic) => ({ name: nic })) } } };
}

const PLAIN = /^[A-Za-z][\w.-]*$/;
const WORDS = new Set(['true', 'false', 'yes', 'no', 'on', 'off', 'null', 'y', 'n']);

/** YAML on one line. @type {(value: unknown) => string} */
function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value && typeof value === 'object') return `{${Object.entries(value).map(([key, item]) => `${flow(key)}: ${flow(item)}`).join(', ')}}`;
  return typeof value === 'string' && PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

/** @type {(address: Address) => object} */
const ip = ({ method, address, prefix, gateway }) => (method === 'static' ? { method, address, prefix: Number(prefix), ...(gateway && { gateway }) } : { method });

/** @type {(host: Host, draft: Draft, id: string) => object} */
function attachmentInFile(host, draft, id) {
  const set = draft.set[id] ?? {};
  const config = configured(host, draft, id);
  return {
    network: id, nic: draft.place[id],
    ...((set.v4 || set.v6) && { ipv4: ip(config.v4), ipv6: ip(config.v6) }),
    ...(set.dns && { dns: set.dns }), ...(set.properties && { properties: set.properties }), ...(set.qos !== undefined && { qos: limits(set.qos) }),
  };
}

/** @type {[string, keyof Limits][]} */
const LIMITS = [['linkshare', 'share'], ['upperlimit', 'upper'], ['realtime', 'real']];
/** @type {(qos: Limits | null) => object} */
const limits = (qos) => Object.fromEntries(LIMITS.filter(([, name]) => qos?.[name]).map(([said, name]) => [said, Number(qos?.[name])]));

/** The file of `netweft host setup-networks` that asks for the same. @type {(host: Host, draft: Draft, options: { commit: boolean }) => string} */
export function file(host, draft, { commit }) {
  const { bonds, labels, sent, removed } = parted(host, draft);
  const made = (/** @type {string} */ name) => ({ name, slaves: draft.bonds[name].nics, ...(!sameOptions(host.bonds[name]?.options, draft.bonds[name].options) && { options: draft.bonds[name].options }) });
  /** @type {Record<string, unknown[]>} */
  const lists = {
    bonds: bonds.made.map(made), attachments: sent.map((id) => attachmentInFile(host, draft, id)),
    removed_attachments: removed, removed_bonds: bonds.gone, removed_labels: labels.gone, sync: draft.sync,
  };
  const lines = Object.entries(lists).filter(([, items]) => items.length).map(([name, items]) => `${name}:\n${items.map((item) => `  - ${flow(item)}\n`).join('')}`);
  const put = labels.made.length ? `labels: ${flow(Object.fromEntries(labels.made.map((id) => [id, draft.labels[id]])))}\n` : '';
  return `${lines.join('')}${put}commit: ${commit}\n`;
}
