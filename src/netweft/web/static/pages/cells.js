// Networks in clusters: attached, required, with roles; and their changes.
import { Check, useAsk } from '../lib/form.js';
import { Menu } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { State, Table } from '../lib/view.js';
import { requestFor } from '../model/matrix.js';
import { ROLES, Roles } from './networks.js';

/** Whether the hosts of a cluster have a network as they should. */
export function HostCount({ cell, of }) {
  if (!cell) return '–';
  if (!of) return 'no hosts';
  if (cell.out_of_sync) return html`<${State} kind="warn">${cell.out_of_sync} of ${cell.hosts} out of sync<//>`;
  if (cell.missing) return html`<${State} kind="bad">${cell.missing} of ${of} lack it<//>`;
  return html`${cell.hosts} of ${of}`;
}

/** The fields that say what a network is in a cluster. */
export const RequestedAddresses = ({ cell }) => html`<${Check} label="Required: a host without it is not operational" name="required" checked=${cell?.required}/>
  <fieldset><legend>Roles</legend>${Object.entries(ROLES).map(([role, text]) => html`<${Check} key=${role} label=${text} name="role" value=${role} checked=${cell?.roles.includes(role)}/>`)}</fieldset>
  <p class="quiet">A cluster has one network for each role: giving it to this one takes it from the other.</p>`;

export const wishOf = (form) => ({ required: form.has('required'), roles: form.getAll('role') });

const attachment = (network, cluster, cell) => ({
  title: cell ? `${network.name} in ${cluster.name}` : `Attach ${network.name} to ${cluster.name}`, verb: cell ? 'Change' : 'Attach', said: `${network.name} is ${cell ? 'changed' : 'attached'} in ${cluster.name}.`,
  fields: () => html`<${RequestedAddresses} cell=${cell}/>`, of: (form) => requestFor(network, cluster, cell, wishOf(form)),
});

const detachment = (network, cluster, cell) => ({
  title: `Detach ${network.name} from ${cluster.name}?`, verb: 'Detach', tone: 'danger', said: `${network.name} is detached from ${cluster.name}.`,
  fields: () => html`<p>${cell.hosts ? `${cell.hosts} ${cell.hosts === 1 ? 'host loses' : 'hosts lose'} it.` : 'No host of the cluster carries it.'}</p>`, of: () => requestFor(network, cluster, cell, null),
});

const HEADS = {
  network: ['Network', ({ network }) => html`<a href=${`/ui/networks/${network.id}`}>${network.name}</a>`], cluster: ['Cluster', ({ cluster }) => html`<a href=${`/ui/clusters/${cluster.id}`}>${cluster.name}</a>`],
};

/** Networks in clusters as a table. `rows`: {id, network, cluster, cell}; `by`: what each row begins with. */
export function Cells({ label, rows, by, reload }) {
  const [dialog, ask] = useAsk();
  const open = (what) => ask({ ...what, done: reload });
  const actions = ({ network, cluster, cell }) => html`<${Menu} label=${`Change ${network.name} in ${cluster.name}`} items=${cell
    ? [{ icon: 'pencil', text: 'Change…', right: 'configure_cluster_network', run: () => open(attachment(network, cluster, cell)) }, { icon: 'unlink', text: 'Detach…', right: 'assign_cluster_network', run: () => open(detachment(network, cluster, cell)) }]
    : [{ icon: 'link', text: 'Attach…', right: 'assign_cluster_network', run: () => open(attachment(network, cluster, cell)) }]}/>`;
  const columns = [
    ...by.map((name) => HEADS[name]),
    ['Attached', ({ cell }) => html`<${State} kind=${cell ? 'ok' : 'rest'}>${cell ? 'attached' : 'not attached'}<//>`], ['Required', ({ cell }) => (cell ? (cell.required ? 'required' : 'optional') : '–')],
    ['Roles', ({ cell }) => (cell?.roles.length ? html`<${Roles} roles=${cell.roles}/>` : '–')], ['Hosts', ({ cell, cluster }) => html`<${HostCount} cell=${cell} of=${cluster.hosts}/>`], ['Actions', actions],
  ];
  return html`<${Table} label=${label} columns=${columns} rows=${rows}/>${dialog}`;
}
