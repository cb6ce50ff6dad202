// One network: its definition, and by tabs of their own where it is and who uses it.
import { OVIRT, OWN, get } from '../lib/api.js';
import { Check, Field, useAsk } from '../lib/form.js';
import { Tabs } from '../lib/list.js';
import { Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { go } from '../lib/router.js';
import { command } from '../lib/same.js';
import { Head, View, useData } from '../lib/view.js';
import { Definition, NewNetwork } from './network-form.js';
import { Roles, Sync } from './networks.js';
import { Clusters, History, Hosts, Profiles, Vms } from './network-tabs.js';

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
  return html`<button type="button" class="btn" onClick=${() => ask({ ...relabel, done: reload })}><${Icon} name="tag"/>${label === undefined ? 'Label…' : `Label ${label}…`}</button>
    <button type="button" class="btn danger" onClick=${() => ask(removal(network, at))}><${Icon} name="trash"/>Remove…</button>${dialog}`;
}

const removal = (network, at) => ({
  title: `Remove ${network.name}?`, verb: 'Remove the network', tone: 'danger', said: `Network ${network.name} is removed.`,
  fields: () => html`<${Usage} id=${network.id}/><${Check} label="Take it off its clusters and hosts, and remove its profiles" required/>`,
  of: () => ({ method: 'DELETE', path: at, cli: command('network', 'remove', network.name) }),
  done: () => go('/ui/networks'),
});

const USERS = { cluster: ['cluster', 'clusters'], host: ['host', 'hosts'], vm: ['VM', 'VMs'], template: ['template', 'templates'], vnic_profile: ['profile', 'profiles'], network: ['network over it', 'networks over it'] };
const NAMED = 8;
const MOST = 1000;

/** What uses a network, by name. */
function Usage({ id }) {
  const found = useData(() => get(`${OWN}/networks/${id}/usage`, { max: MOST }), [id]);
  return html`<${View} of=${found}>${(users) => (users.length ? html`<dl class="facts">${[...Map.groupBy(users, (one) => one.kind)].map(([kind, all]) => html`<div key=${kind}><dt>${all.length}${users.length === MOST && '+'} ${USERS[kind][all.length === 1 ? 0 : 1]}</dt>
    <dd>${all.slice(0, NAMED).map((one) => one.name).join(', ')}${all.length > NAMED && ` and ${all.length - NAMED} more`}</dd></div>`)}</dl>` : html`<p>Nothing uses it.</p>`)}<//>`;
}
