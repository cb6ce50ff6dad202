// The head of a host, above all of its tabs.
import { Icon, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Tabs } from '../lib/tabs.js';
import { Head } from '../lib/view.js';
import { Committed, HostStatus, InSync } from './hosts.js';

const TABS = [['', 'Set up networks'], ['topology', 'Topology'], ['history', 'History'], ['drift', 'Drift']];

/** `host`: {id, name, cluster, status, inSync, committed}; `commit`: has it boot with what runs on it now. */
export function HostHead({ host, tab, commit }) {
  return html`<${Head} title=${host.name} crumbs=${html`<a href="/ui/hosts">Hosts</a><${Icon} name="chevron-right" size=${14}/><span>${host.cluster}</span>`}
      below=${html`<${Tabs} label=${`Parts of ${host.name}`} base=${`/ui/hosts/${host.id}`} tabs=${TABS} current=${tab}/>`}>
    <${HostStatus} of=${host.status}/><${InSync} of=${host.inSync}/><${Committed} of=${host.committed}/>${host.committed === 'false' && html`<${Commit} commit=${commit}/>`}<//>`;
}

function Commit({ commit }) {
  const [busy, set] = useState(false);
  const send = () => { set(true); commit().catch((error) => say(`Not committed. ${error.message}`)).finally(() => set(false)); };
  return html`<button type="button" class="btn" disabled=${busy} onClick=${send}><${Icon} name="save"/>Commit</button>`;
}
