// Users, their permissions, and the rights of roles.
import { OVIRT, OWN, get, user } from '../lib/api.js';
import { Field, useAsk } from '../lib/form.js';
import { List, Manage, useList } from '../lib/list.js';
import { Act, Icon } from '../lib/parts.js';
import { html } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { command, option } from '../lib/same.js';
import { Head, Tabs, View, useData } from '../lib/view.js';
import { Permissions } from './permissions.js';

const PARTS = { users: ['', 'Users'], permissions: ['permissions', 'Permissions'], roles: ['roles', 'Roles'] };
const placeOf = (part) => `users${PARTS[part][0] && `/${PARTS[part][0]}`}`;

/** The page of users, permissions or roles. */
function Part({ part, children }) {
  return html`<${Head} title=${PARTS[part][1]} crumbs=${part !== 'users' && html`<a href="/ui/users">Users</a>`}><${Tabs} label="Users and permissions" tabs=${Object.keys(PARTS).map((one) => [placeOf(one), PARTS[one][1]])} at=${placeOf(part)}/><//>
    <div class="page">${children}</div>`;
}

const fullName = (user) => [user.name, user.last_name].filter(Boolean).join(' ');
const COLUMNS = [
  ['User', (user) => html`<a href=${`/ui/users/${user.id}`}>${user.user_name}</a>`],
  ['Name', (user) => fullName(user) || '–', 'lastname'],
  ['Email', (user) => user.email || '–', 'email'],
];

export function Users() {
  const list = useList(`${OVIRT}/users`, ['usrname', 'name', 'lastname', 'email']);
  const [dialog, ask] = useAsk();
  const reload = list.found.reload;
  const actions = (one) => html`<${Manage} rights=${['manipulate_users']} name=${one.user_name} more=${[{ icon: 'key-round', text: 'Set password…', right: rightTo(one), run: () => ask(password(one)) }]} remove=${() => ask(removing(one, reload))}/>`;
  return html`<${Part} part="users"><${List} list=${list} of=${(data) => data.user ?? []} label="Users" hint="Part of a name" columns=${[...COLUMNS, ['Actions', actions]]} empty=${['No users', 'There is none that you may see.']}>
    <${Act} right="add_users_and_groups_from_directory" class="btn primary" aria-keyshortcuts="n" onClick=${() => ask(adding(reload))}><${Icon} name="plus"/>Add user…<//><//>${dialog}<//>`;
}

/** A user, or the part of the page that the address names. */
export function User({ id }) {
  if (id === 'permissions') return html`<${Part} part="permissions"><${Permissions}/><//>`;
  if (id === 'roles') return html`<${Part} part="roles"><${Roles}/><//>`;
  return html`<${One} id=${id}/>`;
}

function One({ id }) {
  const found = useData(() => get(`${OVIRT}/users/${id}`), [id]);
  const [dialog, ask] = useAsk();
  return html`<${View} title="User" of=${found}>${(one) => html`
    <${Head} title=${one.user_name} crumbs=${html`<a href="/ui/users">Users</a>`}><span class="meta">${[fullName(one), one.email].filter(Boolean).join(' · ')}</span><//>
    <div class="page"><div class="bar"><${Act} right=${rightTo(one)} class="btn" onClick=${() => ask(password(one))}><${Icon} name="key-round"/>Set password…<//></div><${Permissions} user=${one}/></div>${dialog}`}<//>`;
}

/** What it takes to set a password: nothing for one's own. */
const rightTo = (one) => (one.id === user.value?.id ? undefined : 'manipulate_users');

const short = (name) => name.replace(/@internal$/, '');
const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

const adding = (done) => ({
  title: 'Add a user', verb: 'Add user', said: 'The user is added.', done,
  fields: () => html`<${Field} label="User name" name="user" required autofocus hint="Of the domain internal. Without any role: grant one then."/>
    <div class="pair"><${Field} label="Given name" name="first"/><${Field} label="Family name" name="last"/></div><${Field} label="Email" name="email" type="email"/>
    <${Field} label="Password" name="password" type="password" autocomplete="new-password" hint="Who has none cannot log in yet."/>`,
  of: (form) => {
    const name = form.get('user');
    const said = given({ user_name: name && (name.includes('@') ? name : `${name}@internal`), name: form.get('first'), last_name: form.get('last'), email: form.get('email'), password: form.get('password') });
    return { method: 'POST', path: `${OVIRT}/users`, body: said, cli: command('user', 'add', short(name), option('--first-name', said.name), option('--last-name', said.last_name), option('--email', said.email), said.password && ['--new-password-file', 'FILE']) };
  },
});

const password = (user) => ({
  title: `Set the password of ${user.user_name}`, verb: 'Set password', said: 'The password is changed.',
  fields: () => html`<${Field} label="New password" name="password" type="password" autocomplete="new-password" required autofocus/>
    <${Field} label="Present password" name="current" type="password" autocomplete="current-password" hint="For your own only. A super user sets others’ without."/><p class="note"><${Icon} name="info"/><span>Sessions that the old password opened end, on this page as well.</span></p>`,
  of: (form) => ({ method: 'PUT', path: `${OWN}/users/${user.id}/password`, body: given({ password: form.get('password'), current: form.get('current') }), cli: command('user', 'set-password', short(user.user_name), '--new-password-file', 'FILE') }),
});

const removing = (user, done) => ({
  title: `Remove ${user.user_name}?`, verb: 'Remove', tone: 'danger', said: 'The user is removed.', done,
  fields: () => html`<p>The permissions of the user are removed as well, and the sessions of the user end at once.</p>`,
  of: () => ({ method: 'DELETE', path: `${OVIRT}/users/${user.id}`, cli: command('user', 'remove', short(user.user_name), '--yes') }),
});

function Roles() {
  const found = useData(() => get(`${OVIRT}/roles`), []);
  const at = query.value.get('role') ?? '';
  return html`<${View} of=${found}>${(data) => html`<ul class="card roles">${data.role.map((role) => html`<li key=${role.id}><details open=${role.name === at}>
    <summary onClick=${(event) => { event.preventDefault(); filter('role', role.name === at ? '' : role.name); }}><b>${role.name}</b> <span class="tag">${role.administrative === 'true' ? 'administrator' : 'user'}</span><span class="quiet"> ${role.description}</span></summary>
    ${role.name === at && html`<${Permits} role=${role}/>`}</details></li>`)}</ul>`}<//>`;
}

function Permits({ role }) {
  const found = useData(() => get(`${OVIRT}/roles/${role.id}/permits`), [role.id]);
  return html`<${View} of=${found}>${(data) => html`<p>Whoever has it on an object may do this there and below:</p><ul class="words">${(data.permit ?? []).map((one) => html`<li key=${one.id} class="tag">${one.name.replaceAll('_', ' ')}</li>`)}</ul>`}<//>`;
}
