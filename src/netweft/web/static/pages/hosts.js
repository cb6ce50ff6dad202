// The hosts of the fleet.
import { OVIRT, get, searching } from '../lib/api.js';
import { html } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Blank, Find, Head, State, Table, View, useData } from '../lib/view.js';

const PAGE = 100;
const KINDS = { up: 'ok', maintenance: 'rest', preparing_for_maintenance: 'busy', connecting: 'busy', initializing: 'busy', installing: 'busy', reboot: 'busy' };

/** A host's status in oVirt's words. */
export const HostStatus = ({ of }) => html`<${State} kind=${KINDS[of] ?? 'bad'}>${of.replaceAll('_', ' ')}<//>`;
/** Whether a host is as wanted. */
export const InSync = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'in sync' : 'out of sync'}<//>`);
/** Whether a host boots with what runs on it. */
export const Committed = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'committed' : 'not committed'}<//>`);

const COLUMNS = [
  ['Name', (host) => html`<a href=${`/ui/hosts/${host.id}`}>${host.name}</a>`],
  ['Status', (host) => html`<${HostStatus} of=${host.status}/>`],
  ['Cluster', (host) => host.cluster.name],
  ['Networks', (host) => html`<${InSync} of=${host.networks_in_sync}/>`],
  ['Boot', (host) => html`<${Committed} of=${host.networks_committed}/>`],
  ['VMs', (host) => host.summary?.total ?? '–'],
  ['Address', (host) => html`<span class="mono">${host.address}</span>`],
];

export function Hosts() {
  const words = query.value.get('search') ?? '';
  const page = Number(query.value.get('page') ?? 1);
  const found = useData(() => get(`${OVIRT}/hosts`, { search: `${searching(words)} page ${page}`.trim(), max: PAGE, follow: 'cluster' }), [words, page]);
  const nothing = (data) => !data.host?.length && (words || page > 1
    ? html`<${Blank} title="No host matches"><button type="button" class="btn" onClick=${() => { filter('search', ''); filter('page', ''); }}>Clear the filter</button><//>`
    : html`<${Blank} title="No hosts yet">None has joined, or none that you may see. <code>netweft host add NAME</code> adds one.<//>`);
  return html`<${Head} title="Hosts"/><div class="page">
    <div class="bar"><${Find} label="Part of a name, or a search such as status=up" value=${words} onChange=${(text) => { filter('page', ''); filter('search', text); }}/></div>
    <${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="Hosts" columns=${COLUMNS} rows=${data.host}/><${Pages} page=${page} more=${data.host.length === PAGE}/>`}<//></div>`;
}

/** To the next and the former page of a list. */
export function Pages({ page, more }) {
  if (page === 1 && !more) return null;
  return html`<nav class="pages" aria-label="Pages"><button type="button" class="btn" disabled=${page === 1} onClick=${() => filter('page', page > 2 ? String(page - 1) : '')}>Former</button><span>Page ${page}</span>
    <button type="button" class="btn" disabled=${!more} onClick=${() => filter('page', String(page + 1))}>Next</button></nav>`;
}
