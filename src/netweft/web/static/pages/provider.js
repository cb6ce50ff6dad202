// A provider: its state, our objects on it, and its other networks.
import { OVIRT, OWN, get, post } from '../lib/api.js';
import { Check, useAsk } from '../lib/form.js';
import { Act, Icon, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { filter, go, query } from '../lib/router.js';
import { Same, command } from '../lib/same.js';
import { Head, Moment, Refused, State, Table, View, useData } from '../lib/view.js';
import { Carried } from './fabric.js';
import { Importing } from './provider-import.js';
import { editingFabric, editingProvider } from './provider-forms.js';
import { KINDS, ProviderStatus, Provision, troubles } from './provider-state.js';
import { Subnets } from './subnets.js';
/** @import {Failure} from '../model/types.d.ts' */

/** How a provider is, its settings, and its networks; a fabric has other paths and port profiles. */
async function load(id) {
  const state = await get(`${OWN}/providers/${id}`).catch((error) => { if (error.status !== 404) throw error; });
  if (!state) return loadFabric(id);
  const [settings, networks] = await Promise.all([get(`${OVIRT}/openstacknetworkproviders/${id}`), get(`${OWN}/networks`)]);
  return { state, settings, networks: networks.filter((one) => one.provision.provider_id === id) };
}

async function loadFabric(id) {
  const [state, objects] = await Promise.all([get(`${OWN}/configurationproviders/${id}`), get(`${OWN}/configurationproviders/${id}/objects`)]);
  return { state, settings: state, objects, isFabric: true };
}

export function Provider({ id }) {
  const found = useData(() => load(id), [id]);
  const [dialog, ask] = useAsk();
  return html`<${View} title="Provider" of=${found}>${(all) => html`
    <${Head} title=${all.state.name} crumbs=${html`<a href="/ui/providers">Providers</a><${Icon} name="chevron-right" size=${14}/><span>${KINDS[all.state.type] ?? all.state.type}</span>`}><${ProviderStatus} of=${all.state.status}/>
      <span class="meta">${all.state.url}${all.settings.description && ` · ${all.settings.description}`}</span><//>
    <div class="page"><${Actions} all=${all} reload=${found.reload} ask=${ask}/>
      ${all.state.status !== 'ok' && html`<div class="notice bad" role="alert"><${Icon} name="circle-alert"/><div><b>It does not answer, since <${Moment} at=${all.state.checked_at}/> at the latest</b><p>${all.state.status_reason}</p>
        <p>Hosts and guests keep what they have. Changes for the provider are kept and tried again.</p></div></div>`}
      <${Facts} all=${all}/>${all.isFabric ? html`<${Carried} fabric=${all.state} objects=${all.objects} reload=${found.reload} ask=${ask}/>` : html`<${Networks} all=${all} reload=${found.reload}/>`}</div>${dialog}`}<//>`;
}

/** Where a provider's own address and command are. */
const placeOf = ({ state, isFabric }) => (isFabric ? `${OWN}/configurationproviders/${state.id}` : `${OVIRT}/openstacknetworkproviders/${state.id}`);
const nounOf = ({ isFabric }) => (isFabric ? 'configuration-provider' : 'provider');

function Actions({ all, reload, ask }) {
  const [made, setMade] = useState(/** @type {{ busy?: boolean, error?: Failure, done?: string }} */ ({}));
  const test = { method: 'POST', path: `${placeOf(all)}/${all.isFabric ? 'test' : 'testconnectivity'}`, body: {}, cli: command(nounOf(all), 'test', all.state.name) };
  const run = async () => {
    setMade({ busy: true });
    setMade(await post(test.path, test.body).then(() => ({ done: 'It answers.' }), (error) => ({ error })));
    say('The test has ended.');
    reload();
  };
  const edit = () => ask(all.isFabric ? editingFabric(all.settings, reload) : editingProvider(all.settings, reload));
  return html`<div class="bar"><${Act} right="create_storage_pool" class="btn primary" disabled=${made.busy} onClick=${run}><${Icon} name="refresh-cw" class=${made.busy ? 'spin' : ''}/>${made.busy ? 'Asking…' : 'Test'}<//>
      <${Act} right="create_storage_pool" class="btn" aria-keyshortcuts="e" onClick=${edit}><${Icon} name="pencil"/>Edit…<//><${Act} right="create_storage_pool" class="btn danger" onClick=${() => ask(removing(all))}><${Icon} name="trash"/>Remove…<//>
      ${made.done && html`<span class="fine" role="status"><${Icon} name="circle-check" size=${14}/>${made.done} What had failed is tried again.</span>`}</div>
    ${made.error && html`<${Refused} error=${made.error}/>`}<${Same} ...${test}/>`;
}

const removing = (all) => ({
  title: `Remove ${all.state.name}?`, verb: 'Remove', tone: 'danger', said: 'The provider is removed.', done: () => go('/ui/providers'),
  fields: () => html`<p>${all.state.networks ? html`<b>${all.state.networks}</b> networks are on it: they go first.` : 'No network is on it.'} ${!all.isFabric && 'What others made there stays.'}</p>
    ${all.isFabric && html`<${Check} label="It is gone for good: also when something is still to be removed from it" name="force"/>`}`,
  of: (form) => ({ method: 'DELETE', path: `${placeOf(all)}${form.has('force') ? '?force=true' : ''}`, cli: command(nounOf(all), 'remove', all.state.name, form.has('force') && '--force', '--yes') }),
});

/** What a provider's TLS certificate is verified by. */
function verifiedBy({ state, settings, isFabric }) {
  const given = isFabric ? (settings.certificate.match(/BEGIN CERTIFICATE/g) ?? []) : settings.certificates?.certificate ?? [];
  const subjects = given.map((one) => one.subject).filter(Boolean).join(' · ');
  if (given.length) return html`${given.length === 1 ? 'a certificate' : `${given.length} certificates`} given to the engine${subjects && `: ${subjects}`}`;
  return state.url.startsWith('https') ? 'the authorities that the engine’s machine trusts' : 'nothing: it is reached without TLS';
}

function Facts({ all }) {
  const { state, settings } = all;
  const facts = [
    ['Answered in', state.latency === null ? '–' : `${state.latency} ms`], ['Asked', html`<${Moment} at=${state.checked_at}/>`], ['Last sync', html`<${Moment} at=${state.reconciled_at}/>`],
    ['Errors', troubles(state).length ? html`<${State} kind="warn">${troubles(state).join(', ')}<//>` : 'none'],
    ['Verified by', verifiedBy(all)],
    ['Log-in', settings.username ? `as ${settings.username}, with a password that is never shown` : 'none'],
    ...(all.isFabric ? [] : [['On it, Netweft', settings.read_only === 'true' ? 'changes nothing (read-only), but the ports of guests' : 'makes, changes and removes its networks'],
      ['Networks of others there', settings.auto_sync === 'true' ? 'come by themselves' : 'come when somebody imports them'],
      ['Set up on hosts', settings.agent_configuration?.address ? html`ovn-controller, with <span class="mono">${settings.agent_configuration.address}</span>` : 'nothing']]),
  ];
  return html`<section class="card form" aria-labelledby="h-facts"><h2 id="h-facts">State and settings</h2><dl class="facts">${facts.map(([name, value]) => [html`<dt>${name}</dt>`, html`<dd>${value}</dd>`])}</dl></section>`;
}

function Networks({ all, reload }) {
  const at = query.value.get('network') ?? '';
  const open = all.networks.find((one) => one.id === at);
  const columns = [
    ['Name', (one) => html`<a href=${`/ui/networks/${one.id}`}>${one.name}</a>`], ['Physical network', (one) => one.physical_network ?? 'tunnels'], ['VLAN', (one) => one.vlan_id ?? '–'], ['MTU', (one) => one.mtu ?? '–'],
    ['Origin', (one) => (one.provision.imported ? 'imported' : 'made by Netweft')], ['State', (one) => html`<${Provision} of=${one.provision}/>`],
    ['Subnets', (one) => html`<button type="button" class="btn" aria-pressed=${one.id === at} onClick=${() => filter('network', one.id === at ? '' : one.id)}>Subnets<span class="sr"> of ${one.name}</span></button>`],
  ];
  return html`<section class="part" aria-labelledby="h-networks"><h2 id="h-networks">Its networks here</h2>
      ${all.networks.length ? html`<${Table} label="Its networks here" columns=${columns} rows=${all.networks}/>` : html`<p class="quiet">None yet. Networks are made there by <code>netweft network add NAME --provider ${all.state.name}</code>, or imported from below.</p>`}</section>
    ${open && html`<${Subnets} key=${open.id} network=${open}/>`}<${Importing} provider=${all.state} reload=${reload}/>`;
}
