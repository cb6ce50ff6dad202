// A change whose plan is shown beside the form before it is made.
import { OWN, get, post, request } from './api.js';
import { Icon, say } from './parts.js';
import { HostSteps, Impact } from './plan.js';
import { html, useState } from './preact.js';
import { Same } from './same.js';
import { Refused } from './view.js';

/** A change in its course: `made` is {call, plan}, {call, error} or {call, started}; `plan` asks for the plan of a request {method, path, body, cli}, `apply`
 * makes it if the plan still holds, `forget` begins again. `done`: what is called when it was made. */
export function useChange(what, done) {
  const [made, set] = useState({});
  const plan = async (call) => {
    set({ call, busy: true });
    const { method, path, body } = call;
    set(await post(`${OWN}/requestplans`, { method, path, body }).then((answer) => ({ call, plan: answer }), (error) => ({ call, error })));
  };
  const apply = async () => {
    const correlation = crypto.randomUUID();
    set({ ...made, busy: true });
    try {
      await request(made.call, { 'Netweft-Plan': made.plan.id, 'Correlation-Id': correlation });
      const [rollout] = await get(`${OWN}/rollouts`, { search: `correlation_id=${correlation}` }).catch(() => []);
      set({ started: rollout ?? null });
      say(`${what} has changed.`);
      done();
    } catch (error) {
      set({ call: made.call, error });
    }
  };
  return { made, plan, apply, forget: () => set({}), fail: (error) => set({ error }) };
}

/** What is to be seen of a change. `what`: what changes; `verb`: the button that makes it; `hint`: what to do first. */
export function Change({ of: { made, apply }, what, verb, hint }) {
  if (made.started !== undefined) return html`<${Started} what=${what} rollout=${made.started}/>`;
  if (made.error) return html`<${Refused} error=${made.error}/>`;
  if (!made.plan) return html`<p class="quiet" role="status">${made.busy ? 'The engine makes the plan…' : hint}</p>`;
  return html`<${Planned} plan=${made.plan}/><${Same} ...${made.call} headers=${{ 'Netweft-Plan': made.plan.id }}/>
    <button type="button" class="btn primary" disabled=${made.busy} onClick=${apply}>${verb}</button>`;
}

/** What a plan says of all hosts. */
export function Planned({ plan }) {
  const { changed, hosts } = plan.summary;
  if (!hosts && !plan.others.length) return html`<p class="fine"><${Icon} name="check" size=${14}/>No host has to do anything for it.</p>`;
  return html`<p><b>${changed}</b> of ${hosts} ${hosts === 1 ? 'host' : 'hosts'} would change.</p><${Impact} plan=${plan}/><${HostSteps} hosts=${plan.hosts}/>`;
}

const Started = ({ what, rollout }) => html`<p class="fine" role="status"><${Icon} name="circle-check" size=${14}/>${what} has changed.</p>
  ${rollout && html`<p>The hosts follow one after the other: <a href=${`/ui/rollouts/${rollout.id}`}>rollout ${rollout.number}</a>.</p>`}`;
