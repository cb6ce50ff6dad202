// A change of a host by one request: first its plan, then the request for exactly this plan, and its progress.
import { OWN, Refusal, address, failure, get, post } from './api.js';
import { Dialog, Icon, closeDialog, say } from './parts.js';
import { HostSteps, Impact, planned } from './plan.js';
import { html, useEffect, useState } from './preact.js';
import { Same } from './same.js';
import { Refused } from './view.js';
/** @import {Call, Failure, Job, Plan} from '../model/types.d.ts' */
/** @typedef {{ plan?: Plan, error?: Failure, isStale?: boolean, job?: Pick<Job, 'progress'>, ended?: boolean }} Made */

const LOOK = 400;
const STALE = 'PLAN_IS_STALE';
const NOTHING = 'asks nothing of hosts';

/** Send a request without waiting for its job, and follow that. `tell`: receives its progress. Gives how it ended, or
 * null where there was nothing to do.
 * @type {(request: Call, plan: Plan, tell: (job: Job) => void) => Promise<Job | null>} */
async function send({ path, body }, plan, tell) {
  const correlation = crypto.randomUUID();
  await post(address(path, { async: 'true' }), body, { 'Netweft-Plan': plan.id, 'Correlation-Id': correlation });
  for (;;) {
    const [job] = await get(`${OWN}/jobs`, { search: `correlation_id=${correlation}`, max: 1 });
    if (job?.status !== 'started') return job ?? null;
    tell(job);
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}

/** A dialog that plans a request {method, path, body}, and does it. `verb`: what its button says; `cli`: the command that does the same;
 * `onDone`: what to do after that. Children are options of the request: each change of it is planned anew. */
export function HostChange({ title, request, cli, verb, onClose, onDone, children }) {
  const [made, set] = useState(/** @type {Made} */ ({})); // {plan} | {error} | {job} | {ended}
  const said = JSON.stringify(request);
  useEffect(() => {
    let isLast = true;
    set({});
    planned(request).then((found) => isLast && set(found));
    return () => { isLast = false; };
  }, [said]);
  const apply = async () => {
    if (!made.plan) return;
    set({ job: { progress: {} } });
    say('Applying.');
    try {
      const ended = await send(request, made.plan, (job) => set({ job }));
      if (ended && ended.status !== 'finished') throw new Error(ended.error ?? '');
      set({ ended: true });
      say('Done. The host has the new configuration.');
    } catch (error) {
      const isStale = error instanceof Refusal && error.codes.includes(STALE);
      set(isStale ? { ...await planned(request), isStale } : { error: failure(error) });
    }
    onDone();
  };
  return html`<${Dialog} open title=${title} onClose=${onClose}>${made.ended ? html`<${Ended}/>` : made.job ? html`<${Running} job=${made.job}/>` : html`
    ${children}<${Planned} made=${made}/><${Same} method=${request.method} path=${request.path} body=${request.body} cli=${cli}/>
    <div class="dlg-f"><button type="button" class="btn ghost" onClick=${closeDialog}>Cancel</button>
      <button type="button" class="btn primary" disabled=${!made.plan} onClick=${apply}>${verb}</button></div>`}<//>`;
}

function Planned({ made: { plan, error, isStale } }) {
  if (error?.message.includes(NOTHING)) return html`<p class="fine" role="status"><${Icon} name="check" size=${14}/>There is nothing to do: the host is so already.</p>`;
  if (error) return html`<${Refused} error=${error}/>`;
  if (!plan) return html`<p class="fine" role="status"><${Icon} name="refresh-cw" size=${14} class="spin"/>The engine makes the plan…</p>`;
  return html`${isStale && html`<p class="fine" role="alert"><${Icon} name="info" size=${14}/>The host has changed meanwhile. This is the plan that holds now.</p>`}
    <${Impact} plan=${plan}/><${HostSteps} hosts=${plan.hosts}/>`;
}

const WORDS = { awaiting_confirmation: 'Applied. The engine opens a new connection to the host; unless it gets there, the host takes the change back.' };

function Running({ job: { progress } }) {
  const { phase, steps_done: done, steps_total: total, seconds_left: left } = progress;
  return html`<div role="status" class="form"><p class="fine"><${Icon} name="refresh-cw" size=${14} class="spin"/>${WORDS[phase] ?? 'The host applies the change. It takes it back by itself if it loses the engine.'}</p>
    <p class="quiet">${total > 0 && `${done} of ${total} steps done. `}${left > 0 && `${Math.ceil(left)} s until the host takes it back.`}</p></div>`;
}

const Ended = () => html`<p class="fine" role="status"><${Icon} name="circle-check" size=${14}/>Kept. The engine has reached the host over the new configuration.</p>
  <div class="dlg-f"><button type="button" class="btn primary" autofocus onClick=${closeDialog}>Close</button></div>`;
