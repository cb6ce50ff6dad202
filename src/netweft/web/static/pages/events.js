// Events, the newest first, as they happen.
import { OVIRT, get, searchingAny } from '../lib/api.js';
import { events } from '../lib/live.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { filter, query } from '../lib/router.js';
import { Blank, Find, Head, Moment, State, Table, View } from '../lib/view.js';
/** @import {Loaded} from '../model/types.d.ts' */

const MAX = 100;
const KINDS = { normal: 'rest', warning: 'warn', error: 'bad', alert: 'bad' };

const COLUMNS = [
  ['Time', (event) => html`<${Moment} at=${event.time}/>`],
  ['Severity', (event) => html`<${State} kind=${KINDS[event.severity] ?? 'rest'}>${event.severity}<//>`],
  ['What', (event) => event.description],
  ['Who', (event) => (typeof event.user === 'string' ? event.user : event.user?.name) || '–'],
  ['Correlation', (event) => html`<span class="mono">${event.correlation_id || '–'}</span>`],
];

export function Events() {
  const words = query.value.get('search') ?? '';
  const [found, set] = useState(/** @type {Partial<Loaded<any>> & { upTo?: number }} */ ({}));
  const [paused, pause] = useState(false);
  const latest = events.value[0]?.id;
  const load = () => get(`${OVIRT}/events`, { search: searchingAny(['message'], words), max: MAX }).then((data) => set({ data, upTo: latest }), (error) => set((before) => ({ ...before, error })));
  useEffect(() => { if (!paused) load(); }, [words, paused, latest]);
  const waiting = events.value.filter((event) => event.id > (found.upTo ?? 0)).length;
  const nothing = (data) => !data.event?.length && html`<${Blank} title="No event matches"><button type="button" class="btn" onClick=${() => filter('search', '')}>Clear the filter</button><//>`;
  return html`<${Head} title="Events"/><div class="page">
    <div class="bar"><${Find} label="Words, or a search such as severity=error" value=${words} onChange=${(text) => filter('search', text)}/>
      <button type="button" class="btn" aria-pressed=${paused} onClick=${() => pause(!paused)}>${paused ? `Go on${waiting ? `, ${waiting} new` : ''}` : 'Pause'}</button></div>
    <${View} of=${{ ...found, reload: load }} empty=${nothing}>${(data) => html`<${Table} label="Events" columns=${COLUMNS} rows=${data.event}/>`}<//></div>`;
}
