// Policies: what vNICs and networks have in common. Each kind has an address of its own.
import { html } from '../lib/preact.js';
import { chosen } from '../lib/router.js';
import { Blank, Head, Tabs } from '../lib/view.js';
import { MacPools } from './mac-pools.js';
import { Profiles } from './profiles.js';
import { Qoss } from './qos.js';

const KINDS = { profiles: [Profiles, 'vNIC profiles'], qos: [Qoss, 'QoS'], macpools: [MacPools, 'MAC pools'] };
const TABS = Object.entries(KINDS).map(([kind, [, words]]) => [`policies/${kind}`, words]);

export function Policies({ id = 'profiles' }) {
  const [Kind, title] = chosen(KINDS, id) ?? [];
  return html`<${Head} title=${title ?? 'Policies'} crumbs=${html`<span>Policies</span>`}><${Tabs} label="Policies" tabs=${TABS} at=${`policies/${id}`}/><//>
    <div class="page">${Kind ? html`<${Kind} key=${id}/>` : html`<${Blank} title="There is no such page">Choose one of those above.<//>`}</div>`;
}
