// Permissions: who has which role on what.
import { OVIRT, OWN, get } from '../lib/api.js';
import { Choice, useAsk } from '../lib/form.js';
import { List, Manage, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { command } from '../lib/same.js';
import { Refused, useData } from '../lib/view.js';

const ALL = 1000;
const GROUP = 'group:';
/** Kinds of objects: what they are called, their collection, the element of its list, the page of one, and what the command calls them. */
const KINDS = {
  system: ['System'], data_center: ['Data center', 'datacenters', 'data_center', '', 'datacenter'], cluster: ['Cluster', 'clusters', 'cluster', 'clusters', 'cluster'], network: ['Network', 'networks', 'network', 'networks', 'network'],
  vnic_profile: ['vNIC profile', 'vnicprofiles', 'vnic_profile', '', 'profile'], host: ['Host', 'hosts', 'host', 'hosts', 'host'], vm: ['VM', 'vms', 'vm', 'vms', 'vm'], template: ['Template', 'templates', 'template', '', 'template'], mac_pool: ['MAC pool', 'macpools', 'mac_pool', '', 'macpool'],
};

function Thing({ of }) {
  const [words, , , page] = KINDS[of.type] ?? [of.type];
  if (!of.object.name) return words;
  return html`${words} ${page ? html`<a href=${`/ui/${page}/${of.object.id}`}>${of.object.name}</a>` : html`<b>${of.object.name}</b>`}`;
}

const USER = ['User', (one) => (one.everyone ? 'everyone' : html`<a href=${`/ui/users/${one.user.id}`}>${one.user.name}</a>`), 'user'];
const COLUMNS = [
  ['Role', (one) => html`<a href=${`/ui/users/roles?role=${encodeURIComponent(one.role.name)}`}>${one.role.name}</a>`, 'role'],
  ['On', (one) => html`<${Thing} of=${one}/>`, 'type'],
];

/** The permissions of a user, or of all. */
export function Permissions({ user }) {
  const list = useList(`${OWN}/rows/permissions`, ['user', 'role', 'object'], {}, user && `user.id=${user.id}`);
  const [dialog, ask] = useAsk();
  const reload = list.found.reload;
  const actions = (one) => html`<${Manage} rights=${['manipulate_permissions']} name=${`${one.role.name} on ${one.object.name || 'the system'}`} remove=${() => ask(revoking(one, reload))}/>`;
  return html`<${List} list=${list} label="Permissions" hint="User, role or object" columns=${[...(user ? [] : [USER]), ...COLUMNS, ['Actions', actions]]}
      empty=${['No permissions yet', user ? `${user.user_name} may log in only when a role is granted.` : 'Nobody was granted anything that you may see.']}>
      <${Act} right="manipulate_permissions" class="btn primary" onClick=${() => ask(granting(user, reload))}><${Icon} name="plus"/>Grant a role…<//><//>${dialog}`;
}

async function offers(user) {
  const [roles, users, groups] = await Promise.all([get(`${OVIRT}/roles`), user ? null : get(`${OVIRT}/users`, { max: ALL }), user ? null : get(`${OVIRT}/groups`)]);
  return { roles: roles.role.map((one) => [one.id, one.name]), users: (users?.user ?? []).map((one) => [one.id, one.user_name]), everyone: (groups?.group ?? []).map((one) => [`${GROUP}${one.id}`, 'everyone']) };
}

function Fields({ user }) {
  const { data = { roles: [], users: [], everyone: [] }, error } = useData(() => offers(user), []);
  const [kind, setKind] = useState('system');
  const [, collection, element] = KINDS[kind];
  const things = useData(() => (collection ? get(`${OVIRT}/${collection}`, { max: ALL }) : Promise.resolve({})), [kind]);
  const failed = error ?? things.error;
  return html`${!user && html`<${Choice} label="User" name="user" required none="Choose one" options=${[...data.everyone, ...data.users]}/>`}
    <${Choice} label="Role" name="role" required none="Choose one" options=${data.roles}/>
    <div class="pair"><${Choice} label="On" name="kind" value=${kind} options=${Object.entries(KINDS).map(([id, [words]]) => [id, words])} onChange=${(event) => setKind(event.currentTarget.value)}/>
      ${collection && html`<${Choice} key=${kind} label="Which" name="object" required none="Choose one" options=${(things.data?.[element] ?? []).map((one) => [one.id, one.name])}/>`}</div>
    ${failed && html`<${Refused} error=${failed}/>`}<p class="quiet">A role holds for the object and for all below it.</p>`;
}

const granting = (user, done) => ({
  title: user ? `Grant ${user.user_name} a role` : 'Grant a role', verb: 'Grant', said: 'The role is granted.', done, fields: () => html`<${Fields} user=${user}/>`,
  of: (form) => {
    const [, collection, , , noun] = KINDS[form.get('kind')];
    const who = user?.id ?? form.get('user') ?? '';
    const isAll = who.startsWith(GROUP);
    const place = collection ? `${collection}/${form.get('object') || 'ID'}/permissions` : 'permissions';
    return {
      method: 'POST', path: `${OVIRT}/${place}`, body: { role: { id: form.get('role') }, ...(isAll ? { group: { id: who.slice(GROUP.length) } } : { user: { id: who } }) },
      cli: command('permission', 'grant', noun ?? 'system', collection && (form.get('object') || 'ID'), '--role', form.get('role'), isAll ? '--everyone' : ['--user', user?.user_name ?? who]),
    };
  },
});

const revoking = (one, done) => ({
  title: `Revoke ${one.role.name}?`, verb: 'Revoke', tone: 'danger', said: 'The role is revoked.', done,
  fields: () => html`<p><b>${one.everyone ? 'Everyone' : one.user.name}</b> will no longer have the role on ${KINDS[one.type][0]} ${one.object.name}, nor on what is below.</p>`,
  of: () => ({ method: 'DELETE', path: one.href, cli: command('permission', 'revoke', KINDS[one.type][4] ?? 'system', one.object.name || undefined, '--role', one.role.name, one.everyone ? '--everyone' : ['--user', one.user.name]) }),
});
