// Providers: systems that have networks of their own, and those that configure fabrics.
import { OWN, get } from '../lib/api.js';
import { useAsk } from '../lib/form.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Blank, Find, Head, Moment, State, Table, View, useData } from '../lib/view.js';
import { addingFabric, addingProvider } from './provider-forms.js';
import { KINDS, ProviderStatus, troubles } from './provider-state.js';

const COLUMNS = [
  ['Name', (one) => html`<a href=${`/ui/providers/${one.id}`}>${one.name}</a>`],
  ['Kind', (one) => KINDS[one.type] ?? one.type],
  ['State', (one) => html`<${ProviderStatus} of=${one.status}/>`],
  ['Answered in', (one) => (one.latency === null ? '–' : `${one.latency} ms`)],
  ['Asked', (one) => html`<${Moment} at=${one.checked_at}/>`],
  ['Last sync', (one) => html`<${Moment} at=${one.reconciled_at}/>`],
  ['Networks', (one) => one.networks],
  ['Errors', (one) => (troubles(one).length ? html`<${State} kind="warn">${troubles(one).join(', ')}<//>` : 'none')],
];

async function load() {
  const [external, fabrics] = await Promise.all([get(`${OWN}/providers`), get(`${OWN}/configurationproviders`)]);
  return [...external.providers, ...fabrics].toSorted((a, b) => a.name.localeCompare(b.name));
}

export function Providers() {
  const found = useData(load, []);
  const words = query.value.get('search') ?? '';
  const [dialog, ask] = useAsk();
  const matching = (all) => all.filter((one) => `${one.name} ${one.type} ${one.url}`.toLowerCase().includes(words.toLowerCase()));
  const nothing = (all) => !matching(all).length && (words
    ? html`<${Blank} title="No provider matches"><button type="button" class="btn" onClick=${() => filter('search', '')}>Clear the filter</button><//>`
    : html`<${Blank} title="No providers yet">A provider has networks of its own, as OpenStack Neutron and OVN do, or configures a fabric that carries those of hosts, as Cisco UCS Manager does.<//>`);
  return html`<${Head} title="Providers"/><div class="page">
    <div class="bar"><${Find} label="Part of a name, kind or URL" value=${words} onChange=${(text) => filter('search', text)}/><span class="grow"></span>
      <${Act} right="create_storage_pool" class="btn" onClick=${() => ask(addingFabric(found.reload))}><${Icon} name="plus"/>Add fabric…<//><${Act} right="create_storage_pool" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(addingProvider(found.reload))}><${Icon} name="plus"/>Add provider…<//></div>
    <${View} of=${found} empty=${nothing}>${(all) => html`<${Table} label="Providers" columns=${COLUMNS} rows=${matching(all)}/>`}<//>${dialog}</div>`;
}
