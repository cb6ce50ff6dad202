// The head of a host, above all of its tabs.
import { Act, Icon, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Tabs } from '../lib/list.js';
import { Head } from '../lib/view.js';
import { Committed, HostStatus, InSync } from './hosts.js';

const TABS = [['', 'Set up networks'], ['topology', 'Topology'], ['history', 'History'], ['drift', 'Drift']];

const placeOf = (host, tab) => (tab ? `hosts/${host.id}/${tab}` : `hosts/${host.id}`);

/** `host`: {id, name, cluster, status, inSync, committed}; `commit`: has it boot with what runs on it now. */
export function HostHead({ host, tab = '', commit }) {
  return html`<${Head} title=${host.name} crumbs=${html`<a href="/ui/hosts">Hosts</a><${Icon} name="chevron-right" size=${14}/><span>${host.cluster}</span>`}>
    <${HostStatus} of=${host.status}/><${InSync} of=${host.inSync}/><${Committed} of=${host.committed}/>${host.committed === 'false' && html`<${Commit} commit=${commit}/>`}
    <${Tabs} label=${`Parts of ${host.name}`} tabs=${TABS.map(([name, text]) => [placeOf(host, name), text])} at=${placeOf(host, tab)}/><//>`;
}

function Commit({ commit }) {
  const [busy, set] = useState(false);
  const send = () => { set(true); commit().catch((error) => say(`Not committed. ${error.message}`)).finally(() => set(false)); };
  return html`<${Act} right="configure_host_network" class="btn" disabled=${busy} onClick=${send}><${Icon} name="save"/>Commit<//>`;
}
