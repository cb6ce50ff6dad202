// vNIC profiles: how vNICs use a network.
import { OVIRT, OWN, exactly, get } from '../lib/api.js';
import { Check, Choice, Field, differing, useAsk } from '../lib/form.js';
import { List, Manage, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
import { Refused, State, useData } from '../lib/view.js';

const ALL = 1000;
const found = (place, search, words) => (words === '–' ? words : html`<a href=${`/ui/${place}?search=${encodeURIComponent(search)}`}>${words}</a>`);

const COLUMNS = [
  ['Name', (one) => html`<b>${one.name}</b>`, 'name'],
  ['Network', (one) => html`<a href=${`/ui/networks/${one.network.id}`}>${one.network.name}</a>`, 'network'],
  ['QoS', (one) => found('policies/qos', `id=${one.qos?.id}`, one.qos?.name ?? '–'), 'qos'],
  ['Network filter', (one) => one.network_filter?.name ?? '–'],
  ['Passthrough', (one) => (one.passthrough ? `yes, ${one.migratable ? 'migratable' : 'not migratable'}` : 'no')],
  ['Mirroring', (one) => (one.port_mirroring ? html`<${State} kind="warn">Sees all frames<//>` : 'no')],
  ['VMs', (one) => found('vms', `profile.id=${one.id}`, one.vms || '–')],
  ['Templates', (one) => one.templates || '–'],
  ['Data center', (one) => one.data_center.name, 'datacenter'],
];

export function Profiles() {
  const list = useList(`${OWN}/rows/profiles`, ['name', 'network', 'qos', 'description']);
  const [dialog, ask] = useAsk();
  const actions = (one) => html`<${Manage} rights=${['configure_network_vnic_profile', 'delete_network_vnic_profile']} name=${one.name} edit=${() => ask(editing(one, list.found.reload))} remove=${() => ask(removing(one, list.found.reload))}/>`;
  return html`<${List} list=${list} label="vNIC profiles" hint="Profile, network or QoS, or a search such as qos=gold" columns=${[...COLUMNS, ['Actions', actions]]}
      empty=${['No vNIC profiles yet', 'A network for VMs has one from the start; there is no such network, or none that you may see.']}>
      <${Act} right="create_network_vnic_profile" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(adding(list.found.reload))}><${Icon} name="plus"/>New profile…<//><//>${dialog}`;
}

/** What the fields offer: networks for a new profile, QoS of its data center (all for a new one), network filters. */
async function offers(profile) {
  const where = profile ? ` and ${exactly('datacenter', profile.data_center.name)}` : '';
  const [networks, qoss, filters] = await Promise.all([
    profile ? null : get(`${OVIRT}/networks`, { max: ALL, follow: 'data_center' }),
    get(`${OWN}/rows/qoss`, { search: `type=network${where}`, max: ALL }),
    get(`${OVIRT}/networkfilters`),
  ]);
  return {
    networks: (networks?.network ?? []).map((one) => [one.id, `${one.name} (${one.data_center.name})`]),
    qoss: qoss.map((one) => [one.id, profile ? one.name : `${one.name} (${one.data_center.name})`]),
    filters: (filters.network_filter ?? []).map((one) => [one.id, one.name]),
  };
}

const some = (one) => (one ? [[one.id, one.name]] : []);

function Fields({ profile }) {
  const { data, error } = useData(() => offers(profile), []);
  const [passes, pass] = useState(profile?.passthrough ?? false);
  const { networks, qoss, filters } = data ?? { networks: [], qoss: some(profile?.qos), filters: some(profile?.network_filter) };
  return html`<${Field} label="Name" name="name" value=${profile?.name} required autofocus/>${error && html`<${Refused} error=${error}/>`}
    ${!profile && html`<${Choice} label="Network" name="network" options=${networks} none="Choose one" required/>`}
    <${Field} label="Description" name="description" value=${profile?.description}/>
    <${Check} label="Passthrough: its vNICs are virtual functions of the host" name="passthrough" checked=${passes} onChange=${(event) => pass(event.currentTarget.checked)}/>
    ${passes ? html`<${Check} label="Migratable: machines with them may move" name="migratable" checked=${profile?.migratable ?? true}/>`
    : html`<div class="pair"><${Choice} label="QoS" name="qos" none="No limits" value=${profile?.qos?.id} options=${qoss}/><${Choice} key=${filters.length} label="Network filter" name="filter" none="No filter" value=${profile ? profile.network_filter?.id : filters.find(([, name]) => name === 'vdsm-no-mac-spoofing')?.[0]} options=${filters}/></div>
      <${Check} label="Port mirroring: its vNICs see all frames of the network on their host" name="mirroring" checked=${profile?.port_mirroring}/>`}
    ${profile && html`<p class="note"><${Icon} name="info"/><span>Used by <b>${profile.vms}</b> VMs and <b>${profile.templates}</b> templates. What changes reaches the vNICs of running machines by itself.</span></p>`}`;
}

/** What a form says of a profile, by oVirt's names. */
const valuesFrom = (form) => ({
  name: form.get('name'), description: form.get('description'), pass_through: { mode: form.has('passthrough') ? 'enabled' : 'disabled' },
  ...(form.has('passthrough') ? { migratable: form.has('migratable'), ...NOTHING } : { qos: { id: form.get('qos') }, network_filter: { id: form.get('filter') }, port_mirroring: form.has('mirroring') }),
});
/** A virtual function has none of these. */
const NOTHING = { qos: { id: '' }, network_filter: { id: '' }, port_mirroring: false };

const before = (one) => ({
  name: one.name, description: one.description, pass_through: { mode: one.passthrough ? 'enabled' : 'disabled' }, migratable: one.migratable,
  qos: { id: one.qos?.id ?? '' }, network_filter: { id: one.network_filter?.id ?? '' }, port_mirroring: one.port_mirroring,
});

const options = (said) => [
  said.description !== undefined && ['--description', said.description], option('--qos', said.qos?.id), option('--network-filter', said.network_filter?.id), option('--pass-through', said.pass_through?.mode),
  said.migratable !== undefined && `--${said.migratable ? '' : 'no-'}migratable`, said.port_mirroring !== undefined && `--${said.port_mirroring ? '' : 'no-'}port-mirroring`,
];

const adding = (done) => ({
  title: 'New vNIC profile', verb: 'Add profile', said: 'The profile is added.', done, fields: () => html`<${Fields}/>`,
  of: (form) => {
    const said = { ...valuesFrom(form), network: { id: form.get('network') } };
    return { method: 'POST', path: `${OVIRT}/vnicprofiles`, body: said, cli: command('profile', 'add', said.name, option('--network', said.network.id), ...options({ ...said, description: said.description || undefined })) };
  },
});

const editing = (one, done) => ({
  title: `Edit ${one.name}`, verb: 'Save', said: 'The profile is changed.', done, fields: () => html`<${Fields} profile=${one}/>`,
  of: (form) => {
    const said = differing(valuesFrom(form), before(one));
    return { method: 'PUT', path: one.href, body: said, cli: command('profile', 'set', one.id, option('--rename', said.name), ...options(said)) };
  },
});

const removing = (one, done) => ({
  title: `Remove ${one.name}?`, verb: 'Remove', tone: 'danger', said: 'The profile is removed.', done,
  fields: () => html`<p>${one.vms + one.templates > 0 ? html`<b>${one.vms}</b> VMs and <b>${one.templates}</b> templates use it: give their vNICs <a href=${`/ui/vms?search=${encodeURIComponent(`profile.id=${one.id}`)}`}>another profile</a> first.` : `Nobody uses it. ${one.network.name} stays.`}</p>`,
  of: () => ({ method: 'DELETE', path: one.href, cli: command('profile', 'remove', one.id, '--yes') }),
});
