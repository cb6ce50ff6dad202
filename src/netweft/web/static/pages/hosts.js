// The hosts of the fleet.
import { OVIRT } from '../lib/api.js';
import { List, useList } from '../lib/list.js';
import { html } from '../lib/preact.js';
import { Head, State } from '../lib/view.js';

const KINDS = { up: 'ok', maintenance: 'rest', preparing_for_maintenance: 'busy', connecting: 'busy', initializing: 'busy', installing: 'busy', reboot: 'busy' };

/** A host's status in oVirt's words. */
export const HostStatus = ({ of }) => html`<${State} kind=${KINDS[of] ?? 'bad'}>${of.replaceAll('_', ' ')}<//>`;
/** Whether a host is as wanted. */
export const InSync = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'in sync' : 'out of sync'}<//>`);
/** Whether a host boots with what runs on it. */
export const Committed = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'committed' : 'not committed'}<//>`);

const COLUMNS = [
  ['Name', (host) => html`<a href=${`/ui/hosts/${host.id}`}>${host.name}</a>`, 'name'],
  ['Status', (host) => html`<${HostStatus} of=${host.status}/>`, 'status'],
  ['Cluster', (host) => host.cluster.name, 'cluster'],
  ['Networks', (host) => html`<${InSync} of=${host.networks_in_sync}/>`],
  ['Boot', (host) => html`<${Committed} of=${host.networks_committed}/>`],
  ['VMs', (host) => host.summary?.total ?? '–'],
  ['Address', (host) => html`<span class="mono">${host.address}</span>`, 'address'],
];

export function Hosts() {
  const list = useList(`${OVIRT}/hosts`, ['name'], { follow: 'cluster' });
  return html`<${Head} title="Hosts"/><div class="page"><${List} list=${list} of=${(data) => data.host ?? []} label="Hosts" hint="Part of a name, or a search such as status=up" columns=${COLUMNS}
    empty=${['No hosts yet', html`None has joined, or none that you may see. <code>netweft host add NAME</code> adds one.`]}/></div>`;
}
