// Rollouts: changes that go out to several hosts one after the other, as they happen.
import { OWN, get, post, searching } from '../lib/api.js';
import { Act, Dialog, Icon, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Same, command } from '../lib/same.js';
import { Blank, Find, Head, Moment, Refused, State, Table, View, useData } from '../lib/view.js';
import { HostStatus } from './host-head.js';

const PAGE = 100;
const KINDS = { running: 'busy', waiting: 'busy', reverting: 'busy', halted: 'bad', succeeded: 'ok', reverted: 'warn', superseded: 'rest' };
const HOST_KINDS = { waiting: 'rest', changing: 'busy', watched: 'busy', changed: 'ok', failed: 'bad', silent: 'warn', reverting: 'busy', reverted: 'warn', stuck: 'bad' };
export const Status = ({ of }) => html`<${State} kind=${KINDS[of]}>${of}<//>`;

const COLUMNS = [
  ['Number', (rollout) => html`<a href=${`/ui/rollouts/${rollout.id}`}>${rollout.number}</a>`],
  ['Status', (rollout) => html`<${Status} of=${rollout.status}/>`],
  ['What', (rollout) => rollout.reason],
  ['Hosts', (rollout) => rollout.progress],
  ['By', (rollout) => rollout.user],
  ['Begun', (rollout) => html`<${Moment} at=${rollout.created_at}/>`],
  ['Ended', (rollout) => html`<${Moment} at=${rollout.ended_at}/>`],
];

const searchOf = (words) => (/[=<>]/.test(words) ? words : searching(words).replace(/^name/, 'reason'));

export function Rollouts() {
  const words = query.value.get('search') ?? '';
  const found = useData(() => get(`${OWN}/rollouts`, { search: searchOf(words), max: PAGE }), [words]);
  const nothing = (data) => !data.length && (words
    ? html`<${Blank} title="No rollout matches"><button type="button" class="btn" onClick=${() => filter('search', '')}>Clear the filter</button><//>`
    : html`<${Blank} title="No rollouts yet">A change of <a href="/ui/networks">a network</a> that several hosts have goes out to one host after the other. It is shown here.<//>`);
  return html`<${Head} title="Rollouts"/><div class="page">
    <div class="bar"><${Find} label="What has changed, or a search such as status=halted" value=${words} onChange=${(text) => filter('search', text)}/></div>
    <${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="Rollouts" columns=${COLUMNS} rows=${data}/>`}<//></div>`;
}

export function Rollout({ id }) {
  const found = useData(() => get(`${OWN}/rollouts/${id}`), [id]);
  return html`<${View} title="Rollout" of=${found}>${(rollout) => html`
    <${Head} title=${`Rollout ${rollout.number}`} crumbs=${html`<a href="/ui/rollouts">Rollouts</a>`}><${Status} of=${rollout.status}/><span class="meta">${rollout.reason} · ${rollout.user} · <${Moment} at=${rollout.created_at}/></span><//>
    <div class="page"><${Actions} rollout=${rollout} reload=${found.reload}/>
      ${rollout.error && html`<${Refused} error=${{ message: rollout.error }}/>`}
      <p class="quiet" role="status">${rollout.progress}</p>${wavesOf(rollout).map(([wave, hosts]) => html`<${Wave} key=${wave} wave=${wave} hosts=${hosts}/>`)}</div>`}<//>`;
}

const wavesOf = (rollout) => [...Map.groupBy(rollout.hosts, (one) => one.wave)];

function Wave({ wave, hosts }) {
  return html`<section class="wave" aria-labelledby=${`wave-${wave}`}><h2 id=${`wave-${wave}`}>Wave ${wave}${hosts.some((one) => one.canary) && html`<span class="tag">canary</span>`}</h2>
    <ul class="chips">${hosts.map((one) => html`<li key=${one.host.id} class="card chip"><a href=${`/ui/hosts/${one.host.id}`}>${one.host.name}</a><${State} kind=${HOST_KINDS[one.state] ?? 'rest'}>${one.state}<//>
      ${one.status !== 'up' && html`<${HostStatus} of=${one.status}/>`}${one.error && html`<p class="bad-t">${one.error}</p>`}</li>`)}</ul></section>`;
}

function Actions({ rollout, reload }) {
  const [error, setError] = useState(null);
  const [asking, ask] = useState(false);
  const send = (verb) => async () => {
    ask(false);
    setError(null);
    await post(`${OWN}/rollouts/${rollout.id}/${verb}`, {}).then(() => say(`Asked to ${verb}.`), setError);
    reload();
  };
  const halts = ['running', 'waiting'].includes(rollout.status);
  const reverts = !rollout.irreversible && !['reverting', 'reverted', 'superseded'].includes(rollout.status);
  const verbs = [halts && 'halt', rollout.status === 'halted' && 'resume', reverts && 'revert'].filter(Boolean);
  return html`<div class="bar">${halts && html`<${Act} right="configure_storage_pool_network" class="btn" onClick=${send('halt')}><${Icon} name="pause"/>Halt<//>`}
      ${rollout.status === 'halted' && html`<${Act} right="configure_storage_pool_network" class="btn primary" onClick=${send('resume')}><${Icon} name="play"/>Resume<//>`}
      ${reverts && html`<${Act} right="configure_storage_pool_network" class="btn danger" onClick=${() => ask(true)}><${Icon} name="rotate-ccw"/>Revert…<//>`}
      ${rollout.irreversible && html`<span class="quiet">${rollout.irreversible}</span>`}</div>
    ${error && html`<${Refused} error=${error}/>`}
    ${verbs.length > 0 && html`<${Same} calls=${verbs.map((verb) => ({ method: 'POST', path: `${OWN}/rollouts/${rollout.id}/${verb}`, body: {}, cli: command('rollout', verb, String(rollout.number)) }))}/>`}
    <${Dialog} open=${asking} title=${`Revert rollout ${rollout.number}?`} onClose=${() => ask(false)}>
      <p>The hosts that have the change go back one after the other, the last ones first, and then what was changed is as it was.</p>
      <div class="dlg-f"><button type="button" class="btn ghost" onClick=${() => ask(false)}>Cancel</button><button type="button" class="btn danger" onClick=${send('revert')}>Revert</button></div><//>`;
}
