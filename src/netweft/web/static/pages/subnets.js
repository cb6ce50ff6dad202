// Subnets of a network, of which its vNICs have addresses.
import { OWN, get } from '../lib/api.js';
import { Check, Field, differing, useAsk } from '../lib/form.js';
import { Manage } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
import { State, Table, View, useData } from '../lib/view.js';
/** @import {Values} from '../model/types.d.ts' */

const pool = ({ first, last }) => `${first} – ${last}`;
const COLUMNS = [
  ['Name', (one) => html`<b>${one.name}</b>`], ['CIDR', (one) => html`<span class="mono">${one.cidr}</span>`], ['Gateway', (one) => html`<span class="mono">${one.gateway ?? '–'}</span>`],
  ['Given out', (one) => html`<span class="mono">${one.allocation_pools.map(pool).join(', ') || 'all but the gateway'}</span>`], ['DHCP', (one) => (one.dhcp ? 'yes' : 'no')], ['Used', (one) => one.used],
  ['State', (one) => (one.provision?.state === 'error' ? html`<${State} kind="bad">Failed<//> <span class="quiet">${one.provision.reason}</span>` : one.provision?.state === 'locked' ? html`<${State} kind="busy">On its way<//>` : html`<${State} kind="ok">In sync<//>`)],
];

/** The subnets of a network {id, name}. */
export function Subnets({ network }) {
  const found = useData(() => get(`${OWN}/networks/${network.id}/subnets`), [network.id]);
  const [dialog, ask] = useAsk();
  const actions = (one) => html`<${Manage} rights=${['configure_storage_pool_network']} name=${one.name} edit=${() => ask(editing(network, one, found.reload))} remove=${() => ask(removing(network, one, found.reload))}/>`;
  return html`<section class="part" aria-labelledby="h-subnets"><div class="bar"><h2 id="h-subnets">Subnets of ${network.name}</h2><span class="grow"></span><${Act} right="configure_storage_pool_network" class="btn" onClick=${() => ask(adding(network, found.reload))}><${Icon} name="plus"/>Add subnet…<//></div>
    <${View} of=${found} empty=${(all) => !all.length && html`<p class="quiet">None: its vNICs have no addresses of ours.</p>`}>${(all) => html`<${Table} label="Subnets" columns=${[...COLUMNS, ['Actions', actions]]} rows=${all}/>`}<//>${dialog}</section>`;
}

const Fields = ({ one }) => html`<div class="pair"><${Field} label="Name" name="name" value=${one?.name} required autofocus/>
    ${one ? html`<div class="field"><span>CIDR</span><span class="mono">${one.cidr}</span></div>` : html`<${Field} label="CIDR" name="cidr" placeholder="192.0.2.0/24" required/>`}</div>
  <div class="pair"><${Field} label="Gateway" name="gateway" value=${one?.gateway ?? ''} placeholder="none"/><${Field} label="Name servers" name="dns" value=${one?.dns_servers.join(' ')} placeholder="none"/></div>
  <${Field} label="Addresses that are given out" name="pools" rows="2" value=${one?.allocation_pools.map(({ first, last }) => `${first}-${last}`).join('\n')} hint="One range on each line, such as 192.0.2.10-192.0.2.99. None: all but the gateway."/>
  <${Check} label="Guests get their addresses by DHCP" name="dhcp" checked=${one?.dhcp}/>`;

const words = (text) => text.split(/[\s,]+/).filter(Boolean);
const poolsOf = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean).map((line) => {
  const [first, last] = line.split(/\s*[-–]\s*/);
  return { first, last: last ?? first };
});
const valuesFrom = (form) => ({ name: form.get('name'), gateway: form.get('gateway') || null, dns_servers: words(form.get('dns')), allocation_pools: poolsOf(form.get('pools')), dhcp: form.has('dhcp') });
/** @type {(name: string, values?: any[], say?: (one: any) => string) => string[]} */
const many = (name, values, say = String) => (values?.length === 0 ? [name, 'none'] : (values ?? []).flatMap((one) => [name, say(one)]));
const options = (said) => [option('--gateway', said.gateway), many('--dns', said.dns_servers), many('--pool', said.allocation_pools, ({ first, last }) => `${first}-${last}`), said.dhcp !== undefined && `--${said.dhcp ? '' : 'no-'}dhcp`];

const adding = (network, done) => ({
  title: `Add a subnet to ${network.name}`, verb: 'Add subnet', said: 'The subnet is added.', done, fields: () => html`<${Fields}/>`,
  of: (form) => {
    /** @type {Values} */
    const said = { ...differing(valuesFrom(form), { gateway: null, dns_servers: [], allocation_pools: [], dhcp: false }), cidr: form.get('cidr') };
    return { method: 'POST', path: `${OWN}/networks/${network.id}/subnets`, body: said, cli: command('subnet', 'add', network.name, said.name, option('--cidr', said.cidr), ...options(said)) };
  },
});

const editing = (network, one, done) => ({
  title: `Edit ${one.name}`, verb: 'Save', said: 'The subnet is changed.', done, fields: () => html`<${Fields} one=${one}/>`,
  of: (form) => {
    const said = differing(valuesFrom(form), one);
    return { method: 'PUT', path: one.href, body: said, cli: command('subnet', 'set', network.name, one.name, option('--rename', said.name), ...options(said)) };
  },
});

const removing = (network, one, done) => ({
  title: `Remove ${one.name}?`, verb: 'Remove', tone: 'danger', said: 'The subnet is removed.', done,
  fields: () => html`<p>${one.used ? html`<b>${one.used}</b> addresses of it are in use.` : `No vNIC has an address of ${one.cidr}.`}</p>`,
  of: () => ({ method: 'DELETE', path: one.href, cli: command('subnet', 'remove', network.name, one.name, '--yes') }),
});
