// Actions of the page, as the equal request and command.
import { html } from './preact.js';
/** @import {Call} from '../model/types.d.ts' */
/** @import {VNode} from './preact.js' */

const PLAIN = /^[\w@%+=:,./-]+$/;
/** A word of a command line as a shell takes it. @type {(word: string | number) => string} */
const shown = (word) => (PLAIN.test(String(word)) ? String(word) : `'${String(word).replaceAll("'", "'\\''")}'`);

/** @typedef {string | number | null | undefined | false | ''} Word */

/** A command line from its words; those that say nothing are left out. @type {(...words: (Word | Word[])[]) => string} */
export const command = (...words) => ['netweft', ...words.flat().filter((word) => word !== undefined && word !== null && word !== false).map(shown)].join(' ');

/** An option of a command with its value, or with `none` where there shall be none; nothing for one that is not said. @type {(name: string, value: unknown) => string[]} */
export const option = (name, value) => (value === undefined ? [] : [name, value === null || value === '' ? 'none' : String(value)]);

/** A folded "Same as API call or command". Of one request {method, path, body, headers, cli}, or of several in `calls`. `cli`: a command
 * line, made by `command`, where there is one. @type {(props: { calls?: Call[] } & Partial<Call>) => VNode} */
export function Same({ calls, ...one }) {
  const all = calls ?? [/** @type {Call} */ (one)];
  const commands = all.map((call) => call.cli).filter(Boolean);
  return html`<details class="fold same"><summary>Same as API call${commands.length > 0 && ' or command'}</summary>
    ${all.map((call, n) => html`<${Request} key=${n} ...${call}/>`)}
    ${commands.length > 0 && html`<pre tabindex="0" role="region" aria-label="Command">${commands.join('\n')}</pre>`}</details>`;
}

/** @type {(call: Call) => VNode} */
function Request({ method, path, body, headers = {} }) {
  const lines = [...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...(body === undefined ? [] : [JSON.stringify(body, null, 2)])];
  return html`<pre tabindex="0" role="region" aria-label="Request"><b>${method} ${path}</b>${lines.length > 0 && `\n${lines.join('\n')}`}</pre>`;
}
