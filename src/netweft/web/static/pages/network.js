// One network: its definition, and by tabs of their own where it is and who uses it.
import { OVIRT, OWN, get } from '../lib/api.js';
import { Check, Field, useAsk } from '../lib/form.js';
import { List, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { filter, go, query } from '../lib/router.js';
import { command } from '../lib/same.js';
import { Blank, Head, Moment, State, Table, Tabs, View, useData } from '../lib/view.js';
import { cellsOf, keyOf } from '../model/matrix.js';
import { Cells } from './cells.js';
import { HostStatus } from './host-head.js';
import { Definition, NewNetwork } from './network-form.js';
import { Roles, Sync } from './networks.js';
import { VNIC_BULK } from './vms.js';

const ALL = 1000;
const PAGE = 100;
const PARTS = { clusters: Clusters, hosts: Hosts, vms: Vms, profiles: Profiles, history: History };
const WORDS = { clusters: 'Clusters', hosts: 'Hosts', vms: 'vNICs', profiles: 'Profiles', history: 'History' };

export function Network({ id, tab }) {
  return id === 'new' ? html`<${NewNetwork}/>` : html`<${One} id=${id} tab=${tab}/>`;
}

function One({ id, tab }) {
  const found = useData(() => Promise.all([get(`${OVIRT}/networks/${id}`, { follow: 'data_center,network_labels,external_provider' }), get(`${OWN}/rows/networks`, { search: `id=${id}` })]), [id]);
  const place = `networks/${id}`;
  const tabs = [[place, 'Definition'], ...Object.entries(WORDS).map(([name, text]) => [`${place}/${name}`, text])];
  const Part = PARTS[tab] ?? Definition;
  return html`<${View} title="Network" of=${found}>${([network, [line]]) => html`
    <${Head} title=${network.name} crumbs=${html`<a href="/ui/networks">Networks</a><${Icon} name="chevron-right" size=${14}/><span>${network.data_center.name}</span>`}>
      <span class="meta">${network.vlan ? `VLAN ${network.vlan.id}` : 'untagged'}${network.external_provider && ` · on ${network.external_provider.name}`}</span>${line && html`<${Sync} hosts=${line.hosts} wrong=${line.hosts_out_of_sync}/><${Roles} roles=${line.roles} vm=${line.vm_network}/>`}<span class="grow"></span><${Actions} network=${network} reload=${found.reload}/>
      <${Tabs} label="Network" tabs=${tabs} at=${tab ? `${place}/${tab}` : place}/><//>
    <div class="page"><${Part} key=${network.id} network=${network} reload=${found.reload}/></div>`}<//>`;
}

function Actions({ network, reload }) {
  const [dialog, ask] = useAsk();
  const label = network.network_labels?.network_label?.[0]?.id;
  const at = `${OVIRT}/networks/${network.id}`;
  const relabel = label === undefined ? {
    title: `Label ${network.name}`, verb: 'Label', said: 'The network has its label.',
    fields: () => html`<p>NICs with the same label carry the network, on every host of its clusters.</p><${Field} label="Label" name="id" required pattern="[0-9A-Za-z_\\-]+" hint="Letters, digits, _ and -."/>`,
    of: (form) => ({ method: 'POST', path: `${at}/networklabels`, body: { id: form.get('id') }, cli: command('network', 'label', 'add', network.name, form.get('id')) }),
  } : {
    title: `Take the label ${label} off ${network.name}?`, verb: 'Take off', said: 'The network has no label any more.',
    fields: () => html`<p>The network goes from the NICs that carry it by this label.</p>`,
    of: () => ({ method: 'DELETE', path: `${at}/networklabels/${label}`, cli: command('network', 'label', 'remove', network.name, label) }),
  };
  return html`<${Act} right="configure_storage_pool_network" class="btn" onClick=${() => ask({ ...relabel, done: reload })}><${Icon} name="tag"/>${label === undefined ? 'Label…' : `Label ${label}…`}<//>
    <${Act} right="delete_storage_pool_network" class="btn danger" onClick=${() => ask(removal(network, at))}><${Icon} name="trash"/>Remove…<//>${dialog}`;
}

const removal = (network, at) => ({
  title: `Remove ${network.name}?`, verb: 'Remove the network', tone: 'danger', said: `Network ${network.name} is removed.`,
  fields: () => html`<${Usage} id=${network.id}/><${Check} label="Take it off its clusters and hosts, and remove its profiles" required/>`,
  of: () => ({ method: 'DELETE', path: at, cli: command('network', 'remove', network.name) }),
  done: () => go('/ui/networks'),
});

const USERS = { cluster: ['cluster', 'clusters'], host: ['host', 'hosts'], vm: ['VM', 'VMs'], template: ['template', 'templates'], vnic_profile: ['profile', 'profiles'], network: ['network over it', 'networks over it'] };
const NAMED = 8;

/** What uses a network, by name. */
function Usage({ id }) {
  const found = useData(() => get(`${OWN}/networks/${id}/usage`, { max: ALL }), [id]);
  return html`<${View} of=${found}>${(users) => (users.length ? html`<dl class="facts">${[...Map.groupBy(users, (one) => one.kind)].map(([kind, all]) => html`<div key=${kind}><dt>${all.length}${users.length === ALL && '+'} ${USERS[kind][all.length === 1 ? 0 : 1]}</dt>
    <dd>${all.slice(0, NAMED).map((one) => one.name).join(', ')}${all.length > NAMED && ` and ${all.length - NAMED} more`}</dd></div>`)}</dl>` : html`<p>Nothing uses it.</p>`)}<//>`;
}

/** The clusters of its data center, and what it is in each. */
function Clusters({ network }) {
  const found = useData(() => get(`${OWN}/matrix`, { datacenter: network.data_center.id, networks: `id=${network.id}`, columns: ALL }), [network.id]);
  return html`<${View} of=${found} empty=${(matrix) => !matrix.clusters.length && html`<${Blank} title="No clusters">There is none in this data center, or none that you may see.<//>`}>${(matrix) => {
    const cells = cellsOf(matrix);
    const rows = matrix.clusters.map((cluster) => ({ id: cluster.id, network: matrix.networks[0], cluster, cell: cells.get(keyOf(network, cluster)) }));
    return html`<${Cells} label="Clusters" rows=${rows} by=${['cluster']} reload=${found.reload}/>`;
  }}<//>`;
}

/** The hosts that carry it or should. */
function Hosts({ network }) {
  const list = useList(`${OWN}/networks/${network.id}/hosts`, ['name']);
  const [dialog, ask] = useAsk();
  const columns = [
    ['Host', ({ host }) => html`<a href=${`/ui/hosts/${host.id}`}>${host.name}</a>`, 'name'],
    ['Status', ({ status }) => html`<${HostStatus} of=${status}/>`, 'status'],
    ['Cluster', ({ cluster }) => cluster.name, 'cluster'],
    ['NIC', ({ nic }) => nic ?? '–', 'nic'],
    ['In sync', (row) => html`<${InSync} row=${row}/>`],
    ['Actions', (row) => row.in_sync === false && html`<${Act} right="configure_host_network" class="btn small" onClick=${() => ask(syncing(network, row, list.found.reload))}><${Icon} name="refresh-cw" size=${14}/>Sync…<//>`],
  ];
  return html`<${List} list=${list} of=${(rows) => rows.map((row) => ({ ...row, id: row.host.id }))} label="Hosts" hint="Part of a name, or a search such as nic=bond0" columns=${columns}
    empty=${['No host', 'No host carries this network, and no cluster with hosts has it.']}/>${dialog}`;
}

function InSync({ row }) {
  if (row.in_sync === null) return html`<${State} kind="rest">not there<//>`;
  return html`<${State} kind=${row.in_sync ? 'ok' : 'warn'}>${row.in_sync ? 'in sync' : 'out of sync'}<//>
    ${row.differences.length > 0 && html`<span class="quiet reasons">${row.differences.map((one) => `${one.name} is ${one.actual ?? 'none'}, should be ${one.expected ?? 'none'}`).join('; ')}</span>`}`;
}

const syncing = (network, { host, attachment }, done) => ({
  title: `Sync ${network.name} on ${host.name}?`, verb: 'Sync', said: `${network.name} is in sync on ${host.name}.`, done,
  fields: () => html`<p>The host gets the network as it is defined, tries it, and keeps it if the engine still reaches it.</p>`,
  of: () => ({
    method: 'POST', path: `${OVIRT}/hosts/${host.id}/setupnetworks`, cli: `echo 'sync: [${network.name}]' >sync.yaml; netweft host setup-networks ${host.name} -f sync.yaml`,
    body: { synchronized_network_attachments: { network_attachment: [{ id: attachment }] }, check_connectivity: true, commit_on_success: true },
  }),
});

const VNICS = [
  ['VM', (vnic) => html`<a href=${`/ui/vms/${vnic.vm.id}`}>${vnic.vm.name}</a>`, 'vm'],
  ['vNIC', (vnic) => vnic.name, 'name'],
  ['MAC', (vnic) => html`<span class="mono">${vnic.mac}</span>`, 'mac'],
  ['Profile', (vnic) => vnic.profile?.name ?? '–', 'profile'],
  ['Plugged', (vnic) => html`<${State} kind=${vnic.plugged ? 'ok' : 'rest'}>${vnic.plugged ? 'plugged' : 'unplugged'}<//>`],
  ['Link', (vnic) => html`<${State} kind=${vnic.linked ? 'ok' : 'rest'}>${vnic.linked ? 'up' : 'down'}<//>`],
  ['Host', (vnic) => (vnic.host ? html`<a href=${`/ui/hosts/${vnic.host.id}`}>${vnic.host.name}</a>` : '–'), 'host'],
  ['Addresses', (vnic) => html`<span class="mono">${vnic.addresses.join(', ') || '–'}</span>`],
];

/** The vNICs on it. */
function Vms({ network }) {
  const list = useList(`${OWN}/rows/vnics`, ['vm', 'mac'], {}, `network.id=${network.id}`);
  return html`<${List} list=${list} label="vNICs" hint="VM, MAC, or a search such as plugged=false" columns=${VNICS} bulk=${VNIC_BULK} empty=${['No vNICs', 'No VM that you may see has a vNIC on this network.']}/>`;
}

const yes = (text) => (text === 'true' ? 'yes' : 'no');
const PROFILES = [
  ['Name', (profile) => profile.name],
  ['QoS', (profile) => profile.qos?.name ?? '–'],
  ['Filter', (profile) => profile.network_filter?.name ?? 'none'],
  ['Passthrough', (profile) => (profile.pass_through?.mode === 'enabled' ? 'yes' : 'no')],
  ['Port mirroring', (profile) => yes(profile.port_mirroring)],
  ['Description', (profile) => profile.description || '–'],
];

/** The profiles by which vNICs use it. */
function Profiles({ network }) {
  const found = useData(() => get(`${OVIRT}/networks/${network.id}/vnicprofiles`, { follow: 'qos,network_filter', max: ALL }), [network.id]);
  const nothing = (data) => !data.vnic_profile?.length && html`<${Blank} title="No profiles">vNICs use a network by a vNIC profile. This one has none.<//>`;
  return html`<${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="Profiles" columns=${PROFILES} rows=${data.vnic_profile}/>`}<//>`;
}

const CHANGES = [
  ['When', (change) => html`<${Moment} at=${change.at}/>`],
  ['Who', (change) => change.user],
  ['What', (change) => html`<ul class="lines">${change.changes.map((line) => html`<li key=${line}>${line}</li>`)}</ul>`],
  ['Correlation', (change) => (change.correlation_id ? html`<a class="mono" href=${`/ui/events?search=${encodeURIComponent(`correlation_id=${change.correlation_id}`)}`}>${change.correlation_id}</a>` : '–')],
];

/** What was changed of it, by whom, the last first. */
function History({ network }) {
  const before = query.value.get('before') ?? '';
  const found = useData(() => get(`${OWN}/networks/${network.id}/history`, { max: PAGE, before }), [network.id, before]);
  const nothing = (data) => !data.length && html`<${Blank} title="Nothing was changed">${before ? 'There is nothing before that.' : 'Changes of a network are kept for 90 days.'}<//>`;
  return html`<${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="History" columns=${CHANGES} rows=${data.map((one) => ({ ...one, id: one.event }))}/>`}<//>
    ${(before || found.data?.length === PAGE) && html`<nav class="pages" aria-label="Pages"><button type="button" class="btn" disabled=${!before} onClick=${() => filter('before', '')}>Latest</button>
      <button type="button" class="btn" disabled=${found.data?.length !== PAGE} onClick=${() => filter('before', found.data.at(-1).at)}>Earlier</button></nav>`}`;
}
