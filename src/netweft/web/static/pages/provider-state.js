// The state of a provider and of its objects, in words.
import { html } from '../lib/preact.js';
import { Moment, State } from '../lib/view.js';

export const KINDS = { neutron: 'OpenStack Neutron', external: 'External, speaks Neutron’s API', ovn: 'OVN', ucsm: 'Cisco UCS Manager', ufm: 'NVIDIA UFM' };
export const ProviderStatus = ({ of }) => html`<${State} kind=${of === 'ok' ? 'ok' : 'bad'}>${of === 'ok' ? 'Answers' : 'Does not answer'}<//>`;

/** The problems of a provider, in words. */
export const troubles = (one) => [one.failing && `${one.failing} failing`, one.to_remove && `${one.to_remove} to remove`, one.orphans && `${one.orphans} orphans`].filter(Boolean);

const STATES = { ok: ['ok', 'In sync'], locked: ['busy', 'On its way'], error: ['bad', 'Failed'] };

/** How far a provider is with something. */
export function Provision({ of }) {
  const [kind, words] = STATES[of.state];
  return html`<${State} kind=${kind}>${of.wanted === 'absent' ? 'To be removed' : words}<//>${of.reason && html` <span class="quiet">${of.reason}${of.next_try && html`, tried again <${Moment} at=${of.next_try}/>`}</span>`}`;
}
