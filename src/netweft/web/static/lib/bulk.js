// One operation on several rows: planned for each, then executed one after the other until one is refused.
import { failure, request } from './api.js';
import { Dialog, Icon, closeDialog, say } from './parts.js';
import { HostSteps, Impact, LOSSES, planned } from './plan.js';
import { html, useEffect, useRef, useState } from './preact.js';
import { Same } from './same.js';
import { State } from './view.js';
/** @import {Bulk, Failure, ListRow, Plan} from '../model/types.d.ts' */
/** @typedef {{ plan?: Plan, error?: Failure, busy?: boolean, done?: boolean }} Made */

/** Several plans as one. @type {(plans: Plan[]) => Plan} */
function joined(plans) {
  /** @type {Map<string, Plan['summary']['networks'][0]>} */
  const networks = new Map();
  for (const one of plans.flatMap((plan) => plan.summary.networks)) {
    const other = networks.get(one.id);
    if (!other || LOSSES.indexOf(one.loss) > LOSSES.indexOf(other.loss)) networks.set(one.id, one);
  }
  const hosts = plans.flatMap((plan) => plan.hosts);
  const summary = { hosts: hosts.length, changed: plans.reduce((sum, plan) => sum + plan.summary.changed, 0), networks: [...networks.values()], vms: [...new Set(plans.flatMap((plan) => plan.summary.vms))] };
  return { id: '', hosts, others: [...new Set(plans.flatMap((plan) => plan.others))], summary };
}

/** @param {{ of: Made | undefined }} props */
const How = ({ of = {} }) => (of.done ? html`<${State} kind="ok">Done<//>` : of.error?.status === 0 ? html`<${State} kind="warn">Not known<//>` : of.error ? html`<${State} kind="bad">Refused<//>`
  : of.busy || !of.plan ? html`<${State} kind="busy">${of.busy ? 'Under way' : 'Being planned'}<//>` : html`<${State} kind="rest">To be done<//>`);

/** `action`: of `Bulk`; `onClose`: called with the rows of which nothing is left to do.
 * @param {{ action: Bulk['actions'][0], rows: ListRow[], nameOf: (row: ListRow) => string, onClose: (done: ListRow[]) => void }} props */
export function BulkDialog({ action, rows: now, nameOf, onClose }) {
  const [rows] = useState(now); // the selection may change below
  const [made, set] = useState(/** @type {Record<string, Made>} */ ({}));
  const [isBusy, setBusy] = useState(false);
  const put = (/** @type {ListRow} */ row, /** @type {Made} */ how) => set((before) => ({ ...before, [row.id]: how }));
  const calls = rows.map(action.of);
  const isOpen = useRef(true);
  useEffect(() => {
    (async () => {
      for (const [n, row] of rows.entries()) {
        const how = await planned(calls[n]);
        if (!isOpen.current) return;
        put(row, how);
      }
    })();
    return () => { isOpen.current = false; };
  }, []);
  useEffect(() => {
    const ask = (/** @type {Event} */ event) => { if (isBusy) event.preventDefault(); };
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [isBusy]);
  const ready = rows.filter((row) => made[row.id]?.plan && !made[row.id].done);
  const plans = rows.map((row) => made[row.id]?.plan).filter((plan) => plan !== undefined);
  const whole = joined(plans);
  const isPlanned = rows.every((row) => made[row.id]);
  const canSend = !isBusy && isPlanned && ready.length > 0;
  const send = async () => {
    setBusy(true);
    for (const row of ready) {
      if (!isOpen.current) return; // the page was left: the outcome is not shown
      const { plan } = made[row.id];
      put(row, { plan, busy: true });
      try {
        await request(calls[rows.indexOf(row)], plan && { 'Netweft-Plan': plan.id });
        put(row, { plan, done: true });
      } catch (error) {
        put(row, { ...await planned(calls[rows.indexOf(row)]), error: failure(error) }); // so that it can be tried again
        say(`${nameOf(row)}: ${failure(error).message}`);
        break;
      }
    }
    setBusy(false);
  };
  const done = rows.filter((row) => made[row.id]?.done);
  const isOver = done.length === rows.length;
  const gone = rows.filter((row) => made[row.id]?.error?.status === 404);
  return html`<${Dialog} open title=${`${action.text}: ${rows.length}`} onClose=${isBusy ? undefined : () => onClose([...done, ...gone])}><p>${action.note}</p>
    <ul class="bulk" role="list">${rows.map((row) => html`<li key=${row.id}><b>${nameOf(row)}</b> <${How} of=${made[row.id]}/>${made[row.id]?.error && html`<p>${made[row.id].error?.message}</p>`}</li>`)}</ul>
    ${whole.hosts.length > 0 && html`<${Impact} plan=${whole}/><${HostSteps} hosts=${whole.hosts}/>`}<${Same} calls=${calls}/>
    <p class="sr" role="status">${isPlanned && !isBusy && `${done.length} of ${rows.length} done.`}</p>
    <div class="dlg-f">${!isOver && html`<button type="button" class="btn ghost" disabled=${isBusy} onClick=${closeDialog}>Cancel</button>`}
      <button type="button" class="btn primary" aria-disabled=${isOver || canSend ? undefined : 'true'} onClick=${isOver ? closeDialog : canSend ? send : undefined}>${isBusy && html`<${Icon} name="refresh-cw" class="spin"/>`}${isOver ? 'Close' : `${action.verb} ${ready.length}`}</button></div><//>`;
}
