// The engine's plan of a request: the steps on hosts, the loss of traffic of each, and the affected objects.
import { OWN, failure, get, post, request } from './api.js';
import { Icon, say } from './parts.js';
import { html, useState } from './preact.js';
import { Same } from './same.js';
import { Refused } from './view.js';
/** @import {Call, Failure, HostOfPlan, Made, Plan, Step} from '../model/types.d.ts' */

const LOSS = { none: ['circle-check', 'No loss', 'ok'], blip: ['zap', 'Short break', 'warn'], outage: ['circle-alert', 'Outage', 'bad'] };

/** What hosts would do by a request. The engine refuses here already what it would refuse then. @type {(call: Call) => Promise<Plan>} */
export const planOf = ({ method, path, body }) => post(`${OWN}/requestplans`, { method, path, body });

/** The same as a result: {plan}, or {error}. @type {(call: Call) => Promise<{ plan?: Plan, error?: Failure }>} */
export const planned = (call) => planOf(call).then((plan) => ({ plan }), (error) => ({ error }));

/** Losses, the worst last. */
export const LOSSES = Object.keys(LOSS);

/** How bad a loss of traffic is, as a sign and words. */
export const Loss = ({ of }) => html`<span class="loss ${LOSS[of][2]}"><${Icon} name=${LOSS[of][0]} size=${13}/>${LOSS[of][1]}</span>`;

/** Steps by their loss, and the networks and virtual machines that lose traffic. @param {{ plan: Plan }} props */
export function Impact({ plan }) {
  const steps = plan.hosts.flatMap((one) => one.plan?.steps ?? []);
  const { vms, networks } = plan.summary;
  return html`<div class="impact"><ul class="meter">${Object.entries(LOSS).map(([loss, [icon, words, tone]]) => {
    const count = steps.filter((step) => step.loss === loss).length;
    return html`<li key=${loss} class="m ${count ? tone : ''}"><b>${count}</b><span><${Icon} name=${icon} size=${13}/>${words}</span></li>`;
  })}</ul>
  ${vms.length + networks.length === 0 ? html`<p class="fine"><${Icon} name="check" size=${14}/>No VM and no host service loses traffic.</p>`
    : html`<details class="who" open><summary>Affected: <b>${vms.length === 0 ? 'no VM' : `${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}`}</b></summary>
      <ul>${networks.map((one) => html`<li key=${one.id}><span>${one.name}</span><span class="quiet">${[...one.roles, ''].join(' ')}<${Loss} of=${one.loss}/></span></li>`)}
        ${vms.length > 0 && html`<li><span>VMs</span><span class="quiet">${vms.join(', ')}</span></li>`}</ul></details>`}
  ${plan.hosts.filter((one) => one.problem).map((one) => html`<p key=${one.host.id} class="fine bad-t"><${Icon} name="circle-alert" size=${14}/>${one.host.name}: ${one.problem}</p>`)}
  ${plan.others.map((one) => html`<p key=${one} class="fine"><${Icon} name="info" size=${14}/>Also: ${one}</p>`)}</div>`;
}

/** The steps of one host. @param {{ steps: Step[] }} props */
export const Steps = ({ steps }) => html`<ol class="steps">${steps.map((step, n) => html`<li key=${n}><span>${step.step}</span><${Loss} of=${step.loss}/></li>`)}</ol>`;

/** The steps of each host, with the wave in which it changes. @param {{ hosts: HostOfPlan[] }} props */
export const HostSteps = ({ hosts }) => html`${hosts.map((one) => html`<details class="fold" key=${one.host.id}>
  <summary>${one.host.name}<span class="quiet"> ${when(one)} · ${one.plan ? `${one.plan.steps.length} ${one.plan.steps.length === 1 ? 'step' : 'steps'}` : 'no plan'}</span></summary>
  ${one.evacuated.length > 0 && html`<p class="fine">Moved to other hosts before: ${one.evacuated.join(', ')}.</p>`}${one.plan && html`<${Steps} steps=${one.plan.steps}/>`}</details>`)}`;

/** @type {(one: HostOfPlan) => string} */
const when = (one) => (one.wave === null ? 'at once' : `wave ${one.wave}${one.canary ? ', canary' : ''}`);

/** A change in its course: `made` is {call, plan}, {call, error} or {call, started}; `plan` asks for the plan of a request {method, path, body, cli}, `apply`
 * makes it if the plan still holds, `forget` begins again. `done`: what is called when it was made.
 * @param {string} what @param {() => unknown} done */
export function useChange(what, done) {
  const [made, set] = useState(/** @type {Made} */ ({}));
  const plan = async (/** @type {Call} */ call) => {
    set({ call, busy: true });
    set({ call, ...await planned(call) });
  };
  const apply = async () => {
    if (!made.call || !made.plan) return;
    const correlation = crypto.randomUUID();
    set({ ...made, busy: true });
    try {
      await request(made.call, { 'Netweft-Plan': made.plan.id, 'Correlation-Id': correlation });
      const [rollout] = await get(`${OWN}/rollouts`, { search: `correlation_id=${correlation}` }).catch(() => []);
      set({ started: rollout ?? null });
      say(`${what} has changed.`);
      done();
    } catch (error) {
      set({ call: made.call, error: failure(error) });
    }
  };
  return { made, plan, apply, forget: () => set({}), fail: (/** @type {Failure} */ error) => set({ error }) };
}

/** The view of a change. `what`: what changes; `verb`: the button that makes it; `hint`: what to do first. */
export function Change({ of: { made, apply }, what, verb, hint }) {
  if (made.started !== undefined) return html`<${Started} what=${what} rollout=${made.started}/>`;
  if (made.error) return html`<${Refused} error=${made.error}/>`;
  if (!made.plan) return html`<p class="quiet" role="status">${made.busy ? 'The engine makes the plan…' : hint}</p>`;
  return html`<${Planned} plan=${made.plan}/><${Same} ...${made.call} headers=${{ 'Netweft-Plan': made.plan.id }}/>
    <button type="button" class="btn primary" disabled=${made.busy} onClick=${apply}>${verb}</button>`;
}

/** What a plan says of all hosts. @param {{ plan: Plan }} props */
export function Planned({ plan }) {
  const { changed, hosts } = plan.summary;
  if (!hosts && !plan.others.length) return html`<p class="fine"><${Icon} name="check" size=${14}/>No host has to do anything for it.</p>`;
  return html`<p><b>${changed}</b> of ${hosts} ${hosts === 1 ? 'host' : 'hosts'} would change.</p><${Impact} plan=${plan}/><${HostSteps} hosts=${plan.hosts}/>`;
}

const Started = ({ what, rollout }) => html`<p class="fine" role="status"><${Icon} name="circle-check" size=${14}/>${what} has changed.</p>
  ${rollout && html`<p>The hosts follow one after the other: <a href=${`/ui/rollouts/${rollout.id}`}>rollout ${rollout.number}</a>.</p>`}`;
