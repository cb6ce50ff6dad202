// MAC pools: where vNICs get their MAC addresses from.
import { OVIRT, OWN } from '../lib/api.js';
import { Check, Field, differing, useAsk } from '../lib/form.js';
import { List, Manage, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
import { State } from '../lib/view.js';

const NEARLY_FULL = 0.9;
const SHOWN = 2;

/** How much of a pool is used. */
function Share({ pool }) {
  const full = pool.size > 0 && pool.used / pool.size > NEARLY_FULL;
  const percent = pool.size ? Math.floor((100 * pool.used) / pool.size) : 0;
  return html`<span class="share ${full ? 'warn' : ''}"><progress value=${pool.used} max=${pool.size || 1} aria-hidden="true"></progress><span>${pool.used.toLocaleString()} of ${pool.size.toLocaleString()}</span>
    ${full && html`<${State} kind="warn">${percent} % used<//>`}</span>`;
}

const span = ({ first, last }) => `${first} – ${last}`;
const COLUMNS = [
  ['Name', (pool) => html`<b>${pool.name}</b>${pool.default && html` <span class="tag">default</span>`}`, 'name'],
  ['Ranges', (pool) => html`<span class="mono" title=${pool.ranges.map(span).join(', ')}>${pool.ranges.slice(0, SHOWN).map(span).join(', ') || '–'}${pool.ranges.length > SHOWN && `, ${pool.ranges.length - SHOWN} more`}</span>`],
  ['Used', (pool) => html`<${Share} pool=${pool}/>`],
  ['Duplicates', (pool) => (pool.allow_duplicates ? 'allowed' : 'refused')],
  ['Clusters', (pool) => pool.clusters.map((one) => one.name).join(', ') || '–'],
  ['Description', (pool) => pool.description || '–'],
];

export function MacPools() {
  const list = useList(`${OWN}/rows/macpools`, ['name', 'description']);
  const [dialog, ask] = useAsk();
  const actions = (pool) => html`<${Manage} rights=${['edit_mac_pool', 'delete_mac_pool']} name=${pool.name} edit=${() => ask(editing(pool, list.found.reload))} remove=${() => ask(removing(pool, list.found.reload))}/>`;
  return html`<${List} list=${list} label="MAC pools" hint="Part of a name" columns=${[...COLUMNS, ['Actions', actions]]} empty=${['No MAC pools', 'There is none that you may see.']}>
      <${Act} right="create_mac_pool" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(adding(list.found.reload))}><${Icon} name="plus"/>New MAC pool…<//><//>${dialog}`;
}

const Fields = ({ pool }) => html`<${Field} label="Name" name="name" value=${pool?.name} required autofocus/><${Field} label="Description" name="description" value=${pool?.description}/>
  <${Field} label="Ranges" name="ranges" rows="4" required value=${pool?.ranges.map(({ first, last }) => `${first}-${last}`).join('\n')} hint="One on each line, both ends included, such as 56:6f:1a:00:00:00-56:6f:1a:00:ff:ff"/>
  <${Check} label="Several vNICs may have the same address" name="duplicates" checked=${pool?.allow_duplicates}/><${Check} label="Clusters that name no pool use this one" name="default" checked=${pool?.default}/>`;

const rangesOf = (text) => text.split('\n').map((line) => line.trim()).filter(Boolean).map((line) => {
  const [from, to] = line.split(/\s*[-–]\s*/);
  return { from, to: to ?? from };
});
const valuesFrom = (form) => ({ name: form.get('name'), description: form.get('description'), ranges: { range: rangesOf(form.get('ranges')) }, allow_duplicates: form.has('duplicates'), default_pool: form.has('default') });
const options = (said) => [
  said.description !== undefined && ['--description', said.description], ...(said.ranges?.range ?? []).map(({ from, to }) => option('--range', `${from}-${to}`)),
  said.allow_duplicates !== undefined && (said.allow_duplicates ? '--allow-duplicates' : '--no-duplicates'), said.default_pool !== undefined && (said.default_pool ? '--default' : '--no-default'),
];

const adding = (done) => ({
  title: 'New MAC pool', verb: 'Add MAC pool', said: 'The MAC pool is added.', done, fields: () => html`<${Fields}/>`,
  of: (form) => {
    const said = differing(valuesFrom(form), { description: '', allow_duplicates: false, default_pool: false });
    return { method: 'POST', path: `${OVIRT}/macpools`, body: said, cli: command('macpool', 'add', said.name, ...options(said)) };
  },
});

const editing = (pool, done) => ({
  title: `Edit ${pool.name}`, verb: 'Save', said: 'The MAC pool is changed.', done, fields: () => html`<${Fields} pool=${pool}/>`,
  of: (form) => {
    const ranges = { range: pool.ranges.map(({ first, last }) => ({ from: first, to: last })) };
    const said = differing(valuesFrom(form), { name: pool.name, description: pool.description, ranges, allow_duplicates: pool.allow_duplicates, default_pool: pool.default });
    return { method: 'PUT', path: pool.href, body: said, cli: command('macpool', 'set', pool.name, option('--rename', said.name), ...options(said)) };
  },
});

const removing = (pool, done) => ({
  title: `Remove ${pool.name}?`, verb: 'Remove', tone: 'danger', said: 'The MAC pool is removed.', done,
  fields: () => html`<p>${pool.clusters.length ? `It is the pool of ${pool.clusters.map((one) => one.name).join(', ')}: give them another one first.` : 'No cluster uses it.'}</p>`,
  of: () => ({ method: 'DELETE', path: pool.href, cli: command('macpool', 'remove', pool.name, '--yes') }),
});
