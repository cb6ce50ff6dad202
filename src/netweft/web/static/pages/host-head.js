// The head of a host, above all of its tabs.
import { Act, Icon, keepFocus } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Tabs } from '../lib/list.js';
import { Head } from '../lib/view.js';
import { HostActions } from './host-actions.js';
import { Committed, HostStatus, InSync } from './hosts.js';
/** @import {Failure} from '../model/types.d.ts' */

const TABS = [['', 'Set up networks'], ['topology', 'Topology'], ['history', 'History'], ['drift', 'Drift']];

const placeOf = (host, tab) => (tab ? `hosts/${host.id}/${tab}` : `hosts/${host.id}`);

/** `host`: {id, name, cluster, status, inSync, committed}; `commit`: has it boot with what runs on it now. */
export function HostHead({ host, tab = '', commit }) {
  return html`<${Head} title=${host.name} crumbs=${html`<a href="/ui/hosts">Hosts</a><${Icon} name="chevron-right" size=${14}/><span>${host.cluster}</span>`}>
    <${HostStatus} of=${host.status}/><${InSync} of=${host.inSync}/><${Committed} of=${host.committed}/>${host.committed === 'false' && html`<${Commit} commit=${commit}/>`}<${HostActions} host=${host}/>
    <${Tabs} label=${`Parts of ${host.name}`} tabs=${TABS.map(([name, text]) => [placeOf(host, name), text])} at=${placeOf(host, tab)}/><//>`;
}

/** The button that does so; what was refused is said beside it. */
export function Commit({ commit, tone = '', children = 'Commit' }) {
  const [{ busy, error }, set] = useState(/** @type {{ busy?: boolean, error?: Failure }} */ ({}));
  const send = () => {
    set({ busy: true });
    commit().then(() => { set({}); keepFocus(); }, (refusal) => set({ error: refusal }));
  };
  return html`<${Act} right="configure_host_network" class="btn ${tone}" disabled=${busy} onClick=${send}><${Icon} name="save"/>${children}<//>
    ${error && html`<span class="fine" role="alert"><${Icon} name="circle-alert" size=${14}/>Not committed. ${error.message}</span>`}`;
}
