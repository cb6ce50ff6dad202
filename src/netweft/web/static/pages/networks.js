// Networks, and changing one on all hosts that have it.
import { OVIRT, OWN, get, post, put, searching } from '../lib/api.js';
import { Icon, say } from '../lib/parts.js';
import { HostSteps, Impact } from '../lib/plan.js';
import { html, useState } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Same, command, option } from '../lib/same.js';
import { Blank, Find, Head, Refused, Table, View, useData } from '../lib/view.js';
import { Pages } from './hosts.js';

const PAGE = 100;
const mtuOf = (network) => (network.mtu === '0' ? '1500 (default)' : network.mtu);

const COLUMNS = [
  ['Name', (network) => html`<a href=${`/ui/networks/${network.id}`}>${network.name}</a>`],
  ['VLAN', (network) => network.vlan?.id ?? 'untagged'],
  ['MTU', mtuOf],
  ['For VMs', (network) => (network.usages?.usage?.includes('vm') ? 'yes' : 'no')],
  ['Provider', (network) => (network.external_provider ? 'external' : '–')],
  ['Data center', (network) => network.data_center.name],
  ['Description', (network) => network.description || '–'],
];

export function Networks() {
  const words = query.value.get('search') ?? '';
  const page = Number(query.value.get('page') ?? 1);
  const found = useData(() => get(`${OVIRT}/networks`, { search: `${searching(words)} page ${page}`.trim(), max: PAGE, follow: 'data_center' }), [words, page]);
  const nothing = (data) => !data.network?.length && html`<${Blank} title="No network matches"><button type="button" class="btn" onClick=${() => { filter('search', ''); filter('page', ''); }}>Clear the filter</button><//>`;
  return html`<${Head} title="Networks"/><div class="page">
    <div class="bar"><${Find} label="Part of a name, or a search such as vlanid=100" value=${words} onChange=${(text) => { filter('page', ''); filter('search', text); }}/></div>
    <${View} of=${found} empty=${nothing}>${(data) => html`<${Table} label="Networks" columns=${COLUMNS} rows=${data.network}/><${Pages} page=${page} more=${data.network.length === PAGE}/>`}<//></div>`;
}

export function Network({ id }) {
  const found = useData(() => get(`${OVIRT}/networks/${id}`, { follow: 'data_center' }), [id]);
  return html`<${View} title="Network" of=${found}>${(network) => html`
    <${Head} title=${network.name} crumbs=${html`<a href="/ui/networks">Networks</a><${Icon} name="chevron-right" size=${14}/><span>${network.data_center.name}</span>`}/>
    <div class="page"><${Edit} key=${network.id} network=${network} reload=${found.reload}/></div>`}<//>`;
}

/** What a form says of a network. An empty VLAN means none. */
const wishOf = (form) => ({ vlan: form.get('vlan') ? { id: form.get('vlan') } : {}, mtu: form.get('mtu') || '0' });

function Edit({ network, reload }) {
  const [made, setMade] = useState({}); // {wish, plan} | {error} | {started}
  const path = `${OVIRT}/networks/${network.id}`;
  const plan = async (event) => {
    event.preventDefault();
    const wish = wishOf(new FormData(event.currentTarget));
    setMade({ busy: true });
    setMade(await post(`${OWN}/requestplans`, { method: 'PUT', path, body: wish }).then((answer) => ({ wish, plan: answer }), (error) => ({ error, wish })));
  };
  const apply = async (headers) => {
    const correlation = crypto.randomUUID();
    try {
      await put(path, made.wish, { ...headers, 'Correlation-Id': correlation });
      const answer = await get(`${OWN}/rollouts`, { search: `correlation_id=${correlation}` });
      setMade({ started: answer[0] ?? null });
      say('The network has changed.');
      reload();
    } catch (error) {
      setMade({ ...made, error });
    }
  };
  return html`<div class="split"><form class="card form" onSubmit=${plan} onInput=${() => setMade({})} aria-labelledby="h-def"><h2 id="h-def">Definition</h2>
      <label>VLAN<input name="vlan" type="number" min="1" max="4094" placeholder="untagged" defaultValue=${network.vlan?.id ?? ''} disabled=${Boolean(network.external_provider)}/></label>
      <label>MTU<input name="mtu" type="number" min="68" max="65520" placeholder="1500" defaultValue=${network.mtu === '0' ? '' : network.mtu}/></label>
      <button class="btn primary" disabled=${made.busy}>${made.busy ? 'Planning…' : 'Plan the change'}</button></form>
    <section class="card form" aria-labelledby="h-plan"><h2 id="h-plan">Plan</h2><${Outcome} made=${made} apply=${apply} path=${path} name=${network.name}/></section></div>`;
}

function Outcome({ made, apply, path, name }) {
  if (made.started !== undefined) return html`<${Started} rollout=${made.started}/>`;
  return html`${made.error && html`<${Refused} error=${made.error}/>`}
    ${made.plan ? html`<p><b>${made.plan.summary.changed}</b> of ${made.plan.summary.hosts} hosts would change.</p><${Impact} plan=${made.plan}/><${HostSteps} hosts=${made.plan.hosts}/>
      <${Same} method="PUT" path=${path} body=${made.wish} headers=${{ 'Netweft-Plan': made.plan.id }} cli=${command('network', 'set', name, option('--vlan', made.wish.vlan.id ?? null), option('--mtu', made.wish.mtu))}/>
      <button type="button" class="btn primary" onClick=${() => apply({ 'Netweft-Plan': made.plan.id })}>Change the network</button>`
    : !made.error && html`<p class="quiet">Change the definition, and see what every host would do before anything happens.</p>`}
    ${isOfNoHost(made.error) && html`<button type="button" class="btn primary" onClick=${() => apply({})}>Change the network: no host has it</button>`}`;
}

/** Whether a request asks nothing of hosts, so that there is no plan of it. */
const isOfNoHost = (error) => error?.message.includes('asks nothing of hosts');

const Started = ({ rollout }) => html`<p class="fine" role="status"><${Icon} name="circle-check" size=${14}/>The network has changed.</p>
  ${rollout && html`<p>The hosts follow one after the other: <a href=${`/ui/rollouts/${rollout.id}`}>rollout ${rollout.number}</a>.</p>`}`;
