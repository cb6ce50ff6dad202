// The head of a host, above all of its tabs, and the states that hosts are in.
import { OVIRT, post } from '../lib/api.js';
import { Act, Icon, Menu, keepFocus, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Head, State, Tabs, later } from '../lib/view.js';
/** @import {Failure} from '../model/types.d.ts' */

const KINDS = { up: 'ok', maintenance: 'rest', preparing_for_maintenance: 'busy', connecting: 'busy', initializing: 'busy', installing: 'busy', reboot: 'busy' };

/** A host's status in oVirt's words. */
export const HostStatus = ({ of }) => html`<${State} kind=${KINDS[of] ?? 'bad'}>${of.replaceAll('_', ' ')}<//>`;
/** Whether a host is in its desired state. */
export const InSync = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'in sync' : 'out of sync'}<//>`);
/** Whether a host boots with what runs on it. */
export const Committed = ({ of }) => (of === undefined ? 'not reported' : html`<${State} kind=${of === 'true' ? 'ok' : 'warn'}>${of === 'true' ? 'committed' : 'not committed'}<//>`);

const TABS = [['', 'Set up networks'], ['topology', 'Topology'], ['history', 'History'], ['drift', 'Drift']];

const placeOf = (host, tab) => (tab ? `hosts/${host.id}/${tab}` : `hosts/${host.id}`);

/** `host`: {id, name, cluster, status, inSync, committed}; `commit`: has it boot with what runs on it now. */
export function HostHead({ host, tab = '', commit }) {
  return html`<${Head} title=${host.name} crumbs=${html`<a href="/ui/hosts">Hosts</a><${Icon} name="chevron-right" size=${14}/><span>${host.cluster}</span>`}>
    <${HostStatus} of=${host.status}/><${InSync} of=${host.inSync}/><${Committed} of=${host.committed}/>${host.committed === 'false' && html`<${Commit} commit=${commit}/>`}<${HostActions} host=${host}/>
    <${Tabs} label=${`Parts of ${host.name}`} tabs=${TABS.map(([name, text]) => [placeOf(host, name), text])} at=${placeOf(host, tab)}/><//>`;
}

const Dialogs = later(() => import('./host-actions.js'), 'HostDialogs');

/** The menu of a host. */
function HostActions({ host }) {
  const [asked, ask] = useState(/** @type {{ kind: string } | null} */ (null));
  const isOut = ['maintenance', 'preparing_for_maintenance'].includes(host.status);
  const refresh = () => post(`${OVIRT}/hosts/${host.id}/refresh`, {}).then(() => say(`${host.name} has reported.`), (error) => say(error.message));
  return html`<${Menu} label=${`Actions for ${host.name}`} items=${[
    { icon: 'git-compare', text: 'Copy networks from…', right: 'configure_host_network', run: () => ask({ kind: 'copy' }) },
    { icon: 'refresh-cw', text: 'Ask for its report', right: 'manipulate_host', run: refresh },
    isOut ? { icon: 'play', text: 'Activate…', right: 'manipulate_host', run: () => ask({ kind: 'activate' }) } : { icon: 'pause', text: 'Put into maintenance…', right: 'manipulate_host', run: () => ask({ kind: 'deactivate' }) },
  ]}/>${asked && html`<${Dialogs} host=${host} asked=${asked}/>`}`;
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
