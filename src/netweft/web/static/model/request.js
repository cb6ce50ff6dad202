// What makes of a host what a draft wants: the body of oVirt's action setupnetworks, and the file that the command line reads. Pure.
import { saying } from './attachment.js';
import { bondChanges, configured, isCarried, labelChanges, sameOptions } from './setup.js';

/** The body of the action. `seconds`: how long the host waits for the engine; `commit`: whether it boots with the change. */
export function request(host, draft, { seconds, commit }) {
  const { bonds, labels, sent, removed } = parted(host, draft);
  const reference = (id) => (host.attachments[id] ? { id: host.attachments[id].id } : { network: { id: uuid(host, id) } });
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

const uuid = (host, id) => host.networks.find((one) => one.id === id).uuid;

/** What there is to say, by its names. What comes and goes with a label is not said. */
function parted(host, draft) {
  const split = (names, now) => ({ made: names.filter((name) => now[name]), gone: names.filter((name) => !now[name]) });
  const own = new Set(host.networks.filter((network) => !isCarried(host, draft, network)));
  const ids = (holds) => host.networks.filter(holds).map((network) => network.id);
  return {
    bonds: split(bondChanges(host.bonds, draft.bonds).map((one) => one.bond), draft.bonds),
    labels: split(labelChanges(host, draft).map((one) => one.label), draft.labels),
    sent: ids((network) => draft.set[network.id] || (own.has(network) && isPlaced(host, draft, network))),
    removed: ids((network) => own.has(network) && host.place[network.id] && !draft.place[network.id]),
  };
}

/** Whether a network is to be somewhere else, or to stay although its label goes. */
function isPlaced(host, draft, network) {
  if (!draft.place[network.id]) return false;
  const stays = network.label && host.labels[network.label] === host.place[network.id] && !draft.labels[network.label];
  return draft.place[network.id] !== host.place[network.id] || Boolean(stays);
}

function bondWish(name, { nics, options }, was) {
  const said = was && sameOptions(was.options, options) ? {} : { options: { option: Object.entries(options).map(([option, value]) => ({ name: option, value })) } };
  return { name, bonding: { ...said, slaves: { host_nic: nics.map((nic) => ({ name: nic })) } } };
}

const PLAIN = /^[A-Za-z][\w.-]*$/;
const WORDS = new Set(['true', 'false', 'yes', 'no', 'on', 'off', 'null', 'y', 'n']);

/** YAML on one line. */
function flow(value) {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value && typeof value === 'object') return `{${Object.entries(value).map(([key, item]) => `${flow(key)}: ${flow(item)}`).join(', ')}}`;
  return typeof value === 'string' && PLAIN.test(value) && !WORDS.has(value.toLowerCase()) ? value : JSON.stringify(value);
}

const ip = ({ method, address, prefix, gateway }) => (method === 'static' ? { method, address, prefix: Number(prefix), ...(gateway && { gateway }) } : { method });

function attachmentInFile(host, draft, id) {
  const set = draft.set[id] ?? {};
  const config = configured(host, draft, id);
  return {
    network: id, nic: draft.place[id],
    ...((set.v4 || set.v6) && { ipv4: ip(config.v4), ipv6: ip(config.v6) }),
    ...(set.dns && { dns: set.dns }), ...(set.properties && { properties: set.properties }), ...(set.qos !== undefined && { qos: limits(set.qos) }),
  };
}

const limits = (qos) => Object.fromEntries([['linkshare', 'share'], ['upperlimit', 'upper'], ['realtime', 'real']].filter(([, name]) => qos?.[name]).map(([said, name]) => [said, Number(qos[name])]));

/** The file of `netweft host setup-networks` that asks for the same. */
export function file(host, draft, { commit }) {
  const { bonds, labels, sent, removed } = parted(host, draft);
  const bond = (name) => ({ name, slaves: draft.bonds[name].nics, ...(!sameOptions(host.bonds[name]?.options, draft.bonds[name].options) && { options: draft.bonds[name].options }) });
  const lists = {
    bonds: bonds.made.map(bond), attachments: sent.map((id) => attachmentInFile(host, draft, id)),
    removed_attachments: removed, removed_bonds: bonds.gone, removed_labels: labels.gone, sync: draft.sync,
  };
  const lines = Object.entries(lists).filter(([, items]) => items.length).map(([name, items]) => `${name}:\n${items.map((item) => `  - ${flow(item)}\n`).join('')}`);
  const put = labels.made.length ? `labels: ${flow(Object.fromEntries(labels.made.map((id) => [id, draft.labels[id]])))}\n` : '';
  return `${lines.join('')}${put}commit: ${commit}\n`;
}
