// Where one network is and who uses it.
import { OVIRT, OWN, get } from '../lib/api.js';
import { useAsk } from '../lib/form.js';
import { List, useList } from '../lib/list.js';
import { Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Blank, Moment, State, Table, View, useData } from '../lib/view.js';
import { cellsOf, keyOf } from '../model/matrix.js';
import { Cells } from './cells.js';
import { HostStatus } from './hosts.js';

const ALL = 1000;
const PAGE = 100;

/** The clusters of its data center, and what it is in each. */
export function Clusters({ network }) {
  const found = useData(() => get(`${OWN}/matrix`, { datacenter: network.data_center.id, networks: `id=${network.id}`, columns: ALL }), [network.id]);
  return html`<${View} of=${found} empty=${(matrix) => !matrix.clusters.length && html`<${Blank} title="No clusters">There is none in this data center, or none that you may see.<//>`}>${(matrix) => {
    const cells = cellsOf(matrix);
    const rows = matrix.clusters.map((cluster) => ({ id: cluster.id, network: matrix.networks[0], cluster, cell: cells.get(keyOf(network, cluster)) }));
    return html`<${Cells} label="Clusters" rows=${rows} by=${['cluster']} reload=${found.reload}/>`;
  }}<//>`;
}

/** The hosts that carry it or should. */
export function Hosts({ network }) {
  const list = useList(`${OWN}/networks/${network.id}/hosts`, ['name']);
  const [dialog, ask] = useAsk();
  const columns = [
    ['Host', ({ host }) => html`<a href=${`/ui/hosts/${host.id}`}>${host.name}</a>`, 'name'],
    ['Status', ({ status }) => html`<${HostStatus} of=${status}/>`, 'status'],
    ['Cluster', ({ cluster }) => cluster.name, 'cluster'],
    ['NIC', ({ nic }) => nic ?? '–', 'nic'],
    ['In sync', (row) => html`<${InSync} row=${row}/>`],
    ['Actions', (row) => row.in_sync === false && html`<button type="button" class="btn small" onClick=${() => ask(syncing(network, row, list.found.reload))}><${Icon} name="refresh-cw" size=${14}/>Sync…</button>`],
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
export function Vms({ network }) {
  const list = useList(`${OWN}/rows/vnics`, ['vm', 'mac'], {}, `network.id=${network.id}`);
  return html`<${List} list=${list} label="vNICs" hint="VM, MAC, or a search such as plugged=false" columns=${VNICS} empty=${['No vNICs', 'No VM that you may see has a vNIC on this network.']}/>`;
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
export function Profiles({ network }) {
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
export function History({ network }) {
  const before = query.value.get('before') ?? '';
  const found = useData(() => get(`${OWN}/networks/${network.id}/history`, { max: PAGE, before }), [network.id, before]);
  const nothing = (data) => !data.length && html`<${Blank} title="Nothing was changed">${before ? 'There is nothing before that.' : 'Changes of a network are kept for 90 days.'}<//>`;
  return html`<${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="History" columns=${CHANGES} rows=${data.map((one) => ({ ...one, id: one.event }))}/>`}<//>
    ${(before || found.data?.length === PAGE) && html`<nav class="pages" aria-label="Pages"><button type="button" class="btn" disabled=${!before} onClick=${() => filter('before', '')}>Latest</button>
      <button type="button" class="btn" disabled=${found.data?.length !== PAGE} onClick=${() => filter('before', found.data.at(-1).at)}>Earlier</button></nav>`}`;
}
