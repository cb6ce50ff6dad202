// QoS: limits of the traffic of vNICs, and of networks on hosts.
import { OVIRT, OWN, get } from '../lib/api.js';
import { Choice, Field, differing, useAsk } from '../lib/form.js';
import { List, Manage, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
import { useData } from '../lib/view.js';

const TYPES = [['network', 'vNICs (network)'], ['hostnetwork', 'networks on hosts (hostnetwork)']];
const WAYS = [['inbound', 'Incoming'], ['outbound', 'Outgoing']];
const KINDS = [['average', 'Average, Mbit/s'], ['peak', 'Peak, Mbit/s'], ['burst', 'Burst, MB']];
const ON_HOSTS = [['outbound_average_linkshare', 'Share, 1 to 100', 'linkshare'], ['outbound_average_upperlimit', 'At most, Mbit/s', 'upperlimit'], ['outbound_average_realtime', 'At least, Mbit/s', 'realtime']];
const LIMITS = { network: WAYS.flatMap(([way]) => KINDS.map(([kind]) => [`${way}_${kind}`, `${way}-${kind}`])), hostnetwork: ON_HOSTS.map(([name, , option_]) => [name, option_]) };

const way = (one, name) => {
  const [average, peak, burst] = KINDS.map(([kind]) => one.limits[`${name}_${kind}`]);
  return average === undefined ? '–' : `${average} Mbit/s, peak ${peak ?? '–'}, burst ${burst ?? '–'} MB`;
};
const onHosts = ({ limits }) => [['share', 'linkshare', ''], ['at most', 'upperlimit', ' Mbit/s'], ['at least', 'realtime', ' Mbit/s']]
  .filter(([, name]) => limits[`outbound_average_${name}`] !== undefined).map(([words, name, unit]) => `${words} ${limits[`outbound_average_${name}`]}${unit}`).join(', ') || '–';

const COLUMNS = [
  ['Name', (one) => html`<b>${one.name}</b>`, 'name'],
  ['For', (one) => (one.type === 'network' ? 'vNICs' : 'networks on hosts'), 'type'],
  ['Incoming', (one) => (one.type === 'network' ? way(one, 'inbound') : '–')],
  ['Outgoing', (one) => (one.type === 'network' ? way(one, 'outbound') : onHosts(one))],
  ['Used by', (one) => (one.type === 'network' ? (one.profiles ? html`<a href=${`/ui/policies/profiles?search=${encodeURIComponent(`qos.id=${one.id}`)}`}>${one.profiles} ${one.profiles === 1 ? 'profile' : 'profiles'}</a>` : '–') : one.networks ? `${one.networks} ${one.networks === 1 ? 'network' : 'networks'}` : '–')],
  ['Data center', (one) => one.data_center.name, 'datacenter'],
];

export function Qoss() {
  const list = useList(`${OWN}/rows/qoss`, ['name', 'description']);
  const [dialog, ask] = useAsk();
  const actions = (one) => html`<${Manage} rights=${['configure_storage_pool_network']} name=${one.name} edit=${() => ask(editing(one, list.found.reload))} remove=${() => ask(removing(one, list.found.reload))}/>`;
  return html`<${List} list=${list} label="QoS" hint="Part of a name, or a search such as type=network" columns=${[...COLUMNS, ['Actions', actions]]}
      empty=${['No QoS yet', 'A QoS limits the traffic of vNICs, by their profiles, or shares a link between the networks of a host.']}>
      <${Act} right="configure_storage_pool_network" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(adding(list.found.reload))}><${Icon} name="plus"/>New QoS…<//><//>${dialog}`;
}

const number = (qos, name) => ({ name, type: 'number', min: 0, value: qos?.limits[name] });

function Limits({ type, qos }) {
  if (type === 'hostnetwork') return html`<div class="third">${ON_HOSTS.map(([name, words]) => html`<${Field} key=${name} label=${words} ...${number(qos, name)} required=${name.endsWith('linkshare')}/>`)}</div><p class="quiet">Of the outgoing traffic of a network on a NIC: its share when the link is full. What is empty is not limited.</p>`;
  return html`${WAYS.map(([name, words]) => html`<fieldset key=${name}><legend>${words}</legend><div class="third">${KINDS.map(([kind, text]) => html`<${Field} key=${kind} label=${text} ...${number(qos, `${name}_${kind}`)}/>`)}</div></fieldset>`)}
    <p class="quiet">A way without an average is not limited.</p>`;
}

function Fields({ qos }) {
  const [type, setType] = useState(qos?.type ?? 'network');
  const centers = useData(() => (qos ? Promise.resolve([]) : get(`${OVIRT}/datacenters`)), []);
  return html`<${Field} label="Name" name="name" value=${qos?.name} required autofocus/><${Field} label="Description" name="description" value=${qos?.description}/>
    ${!qos && html`<div class="pair"><${Choice} label="For" name="type" value=${type} options=${TYPES} onChange=${(event) => setType(event.currentTarget.value)}/>
      <${Choice} label="Data center" name="center" options=${(centers.data?.data_center ?? []).map((one) => [one.id, one.name])} required/></div>`}
    <${Limits} type=${type} qos=${qos}/>${qos && html`<p class="note"><${Icon} name="info"/><span>${qos.type === 'network' ? html`<b>${qos.profiles}</b> profiles have it: their vNICs follow, also of running machines.` : html`<b>${qos.networks}</b> networks have it: the hosts that carry them follow.`}</span></p>`}`;
}

/** What a form says, by oVirt's names; an empty limit is none. */
const valuesFrom = (form, type) => ({ name: form.get('name'), description: form.get('description'), ...Object.fromEntries(LIMITS[type].map(([name]) => [name, form.get(name) ? Number(form.get(name)) : null])) });
const options = (said, type) => [said.description !== undefined && ['--description', said.description], ...LIMITS[type].map(([name, words]) => option(`--${words}`, said[name]))];

const adding = (done) => ({
  title: 'New QoS', verb: 'Add QoS', said: 'The QoS is added.', done, fields: () => html`<${Fields}/>`,
  of: (form) => {
    const type = form.get('type');
    const said = Object.fromEntries(Object.entries({ ...valuesFrom(form, type), type }).filter(([, value]) => value !== null));
    return { method: 'POST', path: `${OVIRT}/datacenters/${form.get('center')}/qoss`, body: said, cli: command('qos', 'add', said.name, option('--datacenter', form.get('center') ?? undefined), option('--type', type), ...options({ ...said, description: said.description || undefined }, type)) };
  },
});

const editing = (one, done) => ({
  title: `Edit ${one.name}`, verb: 'Save', said: 'The QoS is changed.', done, fields: () => html`<${Fields} qos=${one}/>`,
  of: (form) => {
    const nothing = Object.fromEntries(LIMITS[one.type].map(([name]) => [name, null]));
    const said = differing(valuesFrom(form, one.type), { ...nothing, name: one.name, description: one.description, ...one.limits });
    return { method: 'PUT', path: one.href, body: said, cli: command('qos', 'set', one.name, option('--datacenter', one.data_center.name), option('--rename', said.name), ...options(said, one.type)) };
  },
});

const removing = (one, done) => ({
  title: `Remove ${one.name}?`, verb: 'Remove', tone: 'danger', said: 'The QoS is removed.', done,
  fields: () => html`<p>${one.profiles ? `${one.profiles} profiles have it, and are without limits then.` : one.networks ? `${one.networks} networks have it.` : 'Nobody uses it.'}</p>`,
  of: () => ({ method: 'DELETE', path: one.href, cli: command('qos', 'remove', one.name, '--datacenter', one.data_center.name, '--yes') }),
});
