// The networks that a fabric carries: by their port profiles.
import { OVIRT, OWN, get } from '../lib/api.js';
import { Check, Choice, Field, differing } from '../lib/form.js';
import { Manage } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
import { Refused, Table, View, useData } from '../lib/view.js';
import { Provision } from './provider-state.js';

const ALL = 1000;
const isProfile = (one) => one.kind === 'profile' && one.provision.wanted === 'present';
const COLUMNS = [
  ['Network', (one) => (isProfile(one) ? html`<a href=${`/ui/networks/${one.object}`}>${one.name}</a>` : one.name ?? 'removed here')],
  ['What', (one) => ({ profile: 'port profile', member: 'member, a function of a host' }[one.kind] ?? one.kind)],
  ['There', (one) => html`<span class="mono">${one.provision.external_id ?? '–'}</span>`],
  ['State', (one) => html`<${Provision} of=${one.provision}/>`],
];

/** What a fabric carries, and letting it carry more. */
export function Carried({ fabric, objects, reload, ask }) {
  const rows = objects.map((one) => ({ ...one, object: one.id, id: `${one.kind} ${one.id}` }));
  const actions = (one) => isProfile(one) && html`<${Manage} rights=${['configure_storage_pool_network']} name=${one.name} edit=${() => ask(editing(fabric, one, reload))} remove=${() => ask(removing(fabric, one, reload))}/>`;
  return html`<section class="part" aria-labelledby="h-carried"><div class="bar"><h2 id="h-carried">Networks that it carries</h2><span class="grow"></span><${Act} right="configure_storage_pool_network" class="btn" onClick=${() => ask(adding(fabric, reload))}><${Icon} name="plus"/>Carry a network…<//></div>
    ${rows.length ? html`<${Table} label="Networks that it carries" columns=${[...COLUMNS, ['Actions', actions]]} rows=${rows}/>` : html`<p class="quiet">None yet.</p>`}</section>`;
}

const Settings = ({ one }) => html`<${Field} label="QoS policy" name="policy" value=${one?.qos_policy ?? ''} placeholder="none" hint="The name of one that the fabric has."/>
  <${Check} label="High performance: guests reach the adapter without the host, and do not move" name="fast" checked=${one?.high_performance}/>`;

function NewFields() {
  const { data, error } = useData(() => get(`${OVIRT}/networks`, { max: ALL, follow: 'data_center' }), []);
  return html`<${Choice} label="Network" name="network" none="Choose one" required options=${(data?.network ?? []).filter((one) => one.vlan && !one.external_provider).map((one) => [one.id, `${one.name} (${one.data_center.name})`])}/>
    ${error && html`<${Refused} error=${error}/>`}<p class="quiet">A network for VMs with a VLAN.</p><${Settings}/>`;
}

/** What its port profile says now; the list does not say it. */
function OldFields({ fabric, network }) {
  const found = useData(() => get(`${OWN}/networks/${network}/portprofiles/${fabric.id}`), []);
  return html`<${View} of=${found}>${(one) => html`<${Settings} one=${one}/>`}<//>`;
}

/** What a form says of a port profile: nothing before its fields are there. */
const valuesFrom = (form) => (form.has('policy') ? { qos_policy: form.get('policy') || null, high_performance: form.has('fast') } : {});
const options = (said) => [option('--qos-policy', said.qos_policy), said.high_performance !== undefined && `--${said.high_performance ? '' : 'no-'}high-performance`];
const placeOf = (network) => `${OWN}/networks/${network}/portprofiles`;

const adding = (fabric, done) => ({
  title: `Let ${fabric.name} carry a network`, verb: 'Carry it', said: 'The fabric carries the network.', done, fields: () => html`<${NewFields}/>`,
  of: (form) => {
    const said = differing(valuesFrom(form), { qos_policy: null, high_performance: false });
    return { method: 'POST', path: placeOf(form.get('network') || 'ID'), body: { provider_id: fabric.id, ...said }, cli: command('network', 'port-profile', 'add', form.get('network') || 'NETWORK', fabric.name, ...options(said)) };
  },
});

const editing = (fabric, one, done) => ({
  title: `${one.name} in ${fabric.name}`, verb: 'Save', said: 'The port profile is changed.', done, fields: () => html`<${OldFields} fabric=${fabric} network=${one.object}/>`,
  of: (form) => ({ method: 'PUT', path: `${placeOf(one.object)}/${fabric.id}`, body: valuesFrom(form), cli: command('network', 'port-profile', 'set', one.name, fabric.name, ...options(valuesFrom(form))) }),
});

const removing = (fabric, one, done) => ({
  title: `Take ${one.name} off ${fabric.name}?`, verb: 'Remove', tone: 'danger', said: 'The fabric is to carry the network no more.', done,
  fields: () => html`<p>Guests whose vNICs are on it by this fabric keep it from going.</p>`,
  of: () => ({ method: 'DELETE', path: `${placeOf(one.object)}/${fabric.id}`, cli: command('network', 'port-profile', 'remove', one.name, fabric.name, '--yes') }),
});
