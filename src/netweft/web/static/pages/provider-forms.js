// The forms of providers. The engine tests the connection before it stores it; a password is never shown again.
import { OVIRT, OWN } from '../lib/api.js';
import { Check, Choice, Field, differing } from '../lib/form.js';
import { Icon } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { command, option } from '../lib/same.js';
/** @import {Values} from '../model/types.d.ts' */

const TYPES = [['neutron', 'OpenStack Neutron'], ['ovn', 'OVN, by its databases'], ['external', 'other, speaks Neutron’s API']];
const FABRICS = [['ucsm', 'Cisco UCS Manager'], ['ufm', 'NVIDIA UFM']];
const URLS = { neutron: 'https://neutron.example.com:9696', external: 'https://networks.example.com:9696', ovn: 'tcp:192.0.2.1:6641' };

const Asked = () => html`<p class="note"><${Icon} name="info"/><span>The engine asks the provider before it keeps this. What does not answer, or does not let it in, is refused with the reason.</span></p>`;

/** What a provider's certificate is verified by. `count`: of those that it has now. */
const Certificates = ({ count }) => html`<${Field} label="Certificates (PEM)" name="certificates" rows="3" placeholder="-----BEGIN CERTIFICATE-----" hint=${count
  ? `Its TLS certificate is verified by ${count === 1 ? 'one certificate' : `${count} certificates`} given before. What is written here replaces them.`
  : 'What its TLS certificate is verified by. Without any: the authorities that the engine’s machine trusts.'}/>`;

const Account = ({ user, isNew, required }) => html`<div class="pair"><${Field} label="User" name="username" value=${user} required=${required}/>
  <${Field} label="Password" name="password" type="password" autocomplete="new-password" required=${required && isNew} hint=${isNew ? 'Kept encrypted, never shown.' : 'Empty: as it is.'}/></div>`;

function Fields({ one }) {
  const [type, setType] = useState(one?.type ?? 'neutron');
  const [logs, setLogs] = useState(one ? one.requires_authentication === 'true' : false);
  return html`<div class="pair"><${Field} label="Name" name="name" value=${one?.name} required autofocus/>
      ${!one && html`<${Choice} label="Kind" name="type" value=${type} options=${TYPES} onChange=${(event) => setType(event.currentTarget.value)}/>`}</div>
    <${Field} label="URL" name="url" value=${one?.url} placeholder=${URLS[type]} required/><${Field} label="Description" name="description" value=${one?.description}/>
    ${type === 'ovn' ? html`<${Field} label="Southbound database for hosts" name="remote" value=${one?.agent_configuration?.address} placeholder="tcp:192.0.2.1:6642" hint="What ovn-controller on hosts connects to. Empty: hosts are not set up for it."/>`
    : html`<${Check} label="It requires a log-in" name="authentication" checked=${logs} onChange=${(event) => setLogs(event.currentTarget.checked)}/>
      ${logs && html`<${Field} label="URL of Keystone" name="keystone" value=${one?.authentication_url} placeholder="https://keystone.example.com:5000/v3" required/><${Account} user=${one?.username} isNew=${!one} required/>
        <div class="third"><${Field} label="Project" name="project" value=${one?.project_name}/><${Field} label="User's domain" name="user_domain" value=${one?.user_domain_name}/><${Field} label="Project's domain" name="project_domain" value=${one?.project_domain_name}/></div>`}
      <${Certificates} count=${one?.certificates?.certificate?.length}/>`}
    <${Check} key=${type} label="Read-only: no network and no subnet is made, changed or removed there" name="read_only" checked=${one ? one.read_only === 'true' : type === 'external'}/>
    <${Check} label="Its networks come by themselves into data centers whose clusters have it as default" name="auto_sync" checked=${one?.auto_sync === 'true'}/><${Asked}/>`;
}

const pems = (text) => (text ?? '').match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? (text?.trim() ? [text] : []);
const given = (name, value) => (value ? { [name]: value } : {});

/** What a form says of a provider, by oVirt's names. What it has no field for stays. */
function valuesFrom(form) {
  const logs = form.has('authentication');
  const certificates = pems(form.get('certificates'));
  return {
    name: form.get('name'), url: form.get('url'), description: form.get('description'), read_only: form.has('read_only'), auto_sync: form.has('auto_sync'),
    ...(form.has('remote') ? { agent_configuration: { address: form.get('remote') } } : { requires_authentication: logs }),
    ...(logs ? { authentication_url: form.get('keystone'), username: form.get('username'), project_name: form.get('project'), user_domain_name: form.get('user_domain'), project_domain_name: form.get('project_domain'), ...given('password', form.get('password')) } : {}),
    ...(certificates.length ? { certificates: { certificate: certificates.map((content) => ({ content })) } } : {}),
  };
}

const NEW = { description: '', auto_sync: false, requires_authentication: false, agent_configuration: { address: '' }, project_name: '', user_domain_name: '', project_domain_name: '' };
const before = (one) => ({
  name: one.name, url: one.url, description: one.description ?? '', read_only: one.read_only === 'true', auto_sync: one.auto_sync === 'true', requires_authentication: one.requires_authentication === 'true',
  agent_configuration: { address: one.agent_configuration?.address ?? '' }, authentication_url: one.authentication_url, username: one.username, project_name: one.project_name ?? '', user_domain_name: one.user_domain_name ?? '', project_domain_name: one.project_domain_name ?? '',
});

const options = (said) => [
  option('--address', said.url), said.description !== undefined && ['--description', said.description], said.requires_authentication !== undefined && `--${said.requires_authentication ? '' : 'no-'}authentication`,
  option('--authentication-url', said.authentication_url), option('--login', said.username), said.password && ['--login-password-file', 'FILE'], option('--project', said.project_name), option('--user-domain', said.user_domain_name),
  option('--project-domain', said.project_domain_name), said.certificates && ['--ca-file', 'FILE'], option('--plugin-remote', said.agent_configuration?.address),
  said.read_only !== undefined && (said.read_only ? '--read-only' : '--writable'), said.auto_sync !== undefined && `--${said.auto_sync ? '' : 'no-'}auto-sync`,
];

export const addingProvider = (done) => ({
  title: 'Add a provider', verb: 'Test and add', said: 'The provider has answered, and is added.', done, fields: () => html`<${Fields}/>`,
  of: (form) => {
    /** @type {Values} */
    const said = { type: form.get('type'), ...differing(valuesFrom(form), NEW) };
    return { method: 'POST', path: `${OVIRT}/openstacknetworkproviders`, body: said, cli: command('provider', 'add', said.name, option('--type', said.type), ...options(said)) };
  },
});

export const editingProvider = (one, done) => ({
  title: `Edit ${one.name}`, verb: 'Save', said: 'The provider is changed.', done, fields: () => html`<${Fields} one=${one}/>`,
  of: (form) => {
    const said = differing(valuesFrom(form), before(one));
    return { method: 'PUT', path: `${OVIRT}/openstacknetworkproviders/${one.id}`, body: said, cli: command('provider', 'set', one.name, option('--rename', said.name), ...options(said)) };
  },
});

const FabricFields = ({ one }) => html`<div class="pair"><${Field} label="Name" name="name" value=${one?.name} required autofocus/>${!one && html`<${Choice} label="Kind" name="type" value="ucsm" options=${FABRICS}/>`}</div>
  <${Field} label="Address" name="url" value=${one?.url} placeholder="ucs.example.com" required/><${Field} label="Description" name="description" value=${one?.description}/>
  <${Account} user=${one?.username} isNew=${!one} required/><${Certificates} count=${pems(one?.certificate).length}/><${Asked}/>`;

const fabricWish = (form) => ({
  name: form.get('name'), url: form.get('url'), description: form.get('description'), username: form.get('username'),
  ...given('password', form.get('password')), ...given('certificate', form.get('certificates').trim()),
});
const fabricOptions = (said) => [option('--address', said.url), said.description && ['--description', said.description], option('--login', said.username), said.password && ['--login-password-file', 'FILE'], said.certificate && ['--ca-file', 'FILE']];

export const addingFabric = (done) => ({
  title: 'Add a fabric', verb: 'Test and add', said: 'The fabric has answered, and is added.', done, fields: () => html`<${FabricFields}/>`,
  of: (form) => {
    /** @type {Values} */
    const said = { type: form.get('type'), ...differing(fabricWish(form), { description: '' }) };
    return { method: 'POST', path: `${OWN}/configurationproviders`, body: said, cli: command('configuration-provider', 'add', said.name, option('--type', said.type), ...fabricOptions(said)) };
  },
});

export const editingFabric = (one, done) => ({
  title: `Edit ${one.name}`, verb: 'Save', said: 'The fabric is changed.', done, fields: () => html`<${FabricFields} one=${one}/>`,
  of: (form) => {
    const said = differing(fabricWish(form), { name: one.name, url: one.url, description: one.description, username: one.username });
    return { method: 'PUT', path: `${OWN}/configurationproviders/${one.id}`, body: said, cli: command('configuration-provider', 'set', one.name, option('--rename', said.name), ...fabricOptions(said)) };
  },
});
