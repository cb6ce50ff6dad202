// Problems of the fleet, and running changes.
import { OWN, exactly, get } from '../lib/api.js';
import { addressOf } from '../lib/links.js';
import { Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { Head, Moment, State, Table, View, useData } from '../lib/view.js';
import { HostStatus } from './host-head.js';
import { Status } from './rollouts.js';

const LAST = 8;
const FIXES = { drift: '/drift', link_down: '/topology' };
const SEVERITY = { error: ['bad', 'Error'], warning: ['warn', 'Warning'] };
const counted = (n, one, many = `${one}s`) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** The page on which a problem is corrected. */
const fixOf = (problem) => `${addressOf(problem.about)}${FIXES[problem.code] ?? ''}`;
const titleOf = ({ kind, name }) => (kind === 'rollout' ? `Rollout ${name}` : name);

const PROBLEMS = [
  ['Severity', (one) => html`<${State} kind=${SEVERITY[one.severity][0]}>${SEVERITY[one.severity][1]}<//>`],
  ['What', (one) => html`<a href=${fixOf(one)}>${titleOf(one.about)}</a>`],
  ['Problem', (one) => html`<span class="wrap">${one.text}</span>`],
  ['Since', (one) => html`<${Moment} at=${one.since}/>`],
];
const CHANGES = [
  ['When', (one) => html`<${Moment} at=${one.at}/>`],
  ['Who', (one) => one.user],
  ['What', (one) => html`<span class="wrap">${one.text}</span>`],
  ['Where', (one) => (one.about ? html`<a href=${addressOf(one.about)}>${one.about.name}</a>` : '–')],
];

export function Overview() {
  const found = useData(() => get(`${OWN}/overview`), []);
  return html`<${View} title="Overview" of=${found}>${(data) => html`<${Head} title="Overview"><span class="meta">Checked <${Moment} at=${data.checked_at}/></span><//>
    <div class="page overview"><div class="stack"><${Problems} data=${data}/><${LastChanges} rows=${data.changes}/></div>
      <div class="stack"><${Moving} data=${data}/><${Fleet} data=${data}/><${Capacity} pools=${data.mac_pools}/></div></div>`}<//>`;
}

function Problems({ data }) {
  const { error, warning } = data.problem_counts;
  if (!error && !warning) return html`<${Well} data=${data}/>`;
  const shown = data.problems.length < error + warning ? `, ${data.problems.length} of them here` : '';
  return html`<div class="stack"><div class="bar"><h2>Problems</h2>
      ${error > 0 && html`<${State} kind="bad">${counted(error, 'error')}<//>`}${warning > 0 && html`<${State} kind="warn">${counted(warning, 'warning')}<//>`}<span class="quiet">${shown}</span></div>
    <${Table} label="Problems" columns=${PROBLEMS} rows=${data.problems.map((one, n) => ({ ...one, id: n }))}/></div>`;
}

function Well({ data }) {
  const hosts = Object.values(data.hosts).reduce((sum, number) => sum + number, 0);
  return html`<div class="calm"><span class="big"><${Icon} name="circle-check" size=${24}/></span><div><h2>All is well</h2>
    <p>${hosts ? `${counted(hosts, 'host')}, all in sync.` : html`No host has joined yet. <a href="/ui/hosts">Hosts</a> shows how to add one.`}</p></div></div>`;
}

function LastChanges({ rows }) {
  return html`<div class="stack"><div class="bar"><h2>Last changes</h2><a class="quiet" href="/ui/events">All events</a></div>
    ${rows.length ? html`<${Table} label="Last changes" columns=${CHANGES} rows=${rows.slice(0, LAST).map((one) => ({ ...one, id: one.event }))}/>` : html`<p class="quiet">Nobody has changed anything yet.</p>`}</div>`;
}

const Card = ({ id, title, children }) => html`<section class="card form" aria-labelledby=${id}><h2 id=${id}>${title}</h2>${children}</section>`;

/** Rollouts and jobs that are under way. */
function Moving({ data }) {
  const { rollouts, jobs } = data;
  return html`<${Card} id="h-moving" title="Under way">${rollouts.length + jobs.length === 0 && html`<p class="quiet">Nothing is being changed.</p>`}
    <ul class="tally">${rollouts.map((one) => html`<li key=${one.id}><a href=${`/ui/rollouts/${one.id}`}>Rollout ${one.number}</a><${Status} of=${one.status}/><span class="quiet">${one.reason} · ${one.progress}</span></li>`)}
      ${jobs.map((one) => html`<li key=${one.id}>${one.host ? html`<a href=${`/ui/hosts/${one.host}/history`}>${one.description}</a>` : html`<span>${one.description}</span>`}
        <span class="quiet">${[one.progress.phase?.replaceAll('_', ' '), one.user].filter(Boolean).join(' · ')}</span></li>`)}</ul><//>`;
}

/** Hosts by status, and the number of each cluster that are out of sync. */
function Fleet({ data }) {
  return html`<${Card} id="h-hosts" title="Hosts"><ul class="tally">${Object.entries(data.hosts).map(([status, number]) => html`<li key=${status}><a href=${`/ui/hosts?search=status%3D${status}`}>${counted(number, 'host')}</a><${HostStatus} of=${status}/></li>`)}</ul>
    ${data.clusters.length > 0 && html`<h3 class="sub">Drift by cluster</h3><ul class="tally">${data.clusters.map((one) => html`<li key=${one.id}><a href=${`/ui/hosts?search=${encodeURIComponent(exactly('cluster', one.name))}`}>${one.name}</a>
      <${State} kind=${one.out_of_sync ? 'warn' : 'ok'}>${one.out_of_sync ? `${one.out_of_sync} of ${one.hosts} out of sync` : 'in sync'}<//></li>`)}</ul>`}<//>`;
}

const share = (pool) => (pool.size ? (100 * pool.used) / pool.size : 0);

function Capacity({ pools }) {
  return pools.length > 0 && html`<${Card} id="h-room" title="MAC addresses"><ul class="tally">${pools.map((pool) => html`<li key=${pool.id}><a href=${addressOf({ ...pool, kind: 'mac_pool' })}>${pool.name}</a>
    <span class="quiet">${pool.used.toLocaleString()} of ${pool.size.toLocaleString()}</span>
    <svg class="used ${share(pool) >= 90 ? 'warn' : ''}" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true"><rect width="100" height="4" class="r0"/><rect width=${Math.min(100, Math.max(share(pool), pool.used ? 1 : 0))} height="4" class="r1"/></svg></li>`)}</ul><//>`;
}
