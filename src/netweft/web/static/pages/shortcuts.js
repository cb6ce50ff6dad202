// All keyboard shortcuts, and whether the single-key ones are on.
import { allowSingle, single } from '../lib/keys.js';
import { Dialog } from '../lib/parts.js';
import { html } from '../lib/preact.js';

const EVERYWHERE = [['Ctrl K', 'Find anything'], ['/', 'Filter'], ['F6', 'Next area of the page'], ['?', 'This list']];
const LISTS = [['n', 'New'], ['e', 'Edit what is shown'], ['↑ ↓', 'The former or the next row'], ['Enter', 'Open it'], ['Space', 'Pick it'], ['.', 'All actions for it']];
const SETUP = [
  ['Tab', 'Next area: uplinks, networks, changes'], ['↑ ↓ ← →', 'Move inside an area'], ['Enter', 'Pick up a network or a NIC'], ['Space', 'Pick up one more network'],
  ['1 … 9', 'Place it there'], ['Esc', 'Put back'], ['Delete', 'Take a network off the host'], ['e', 'Edit a network on the host'], ['.', 'All actions for it'], ['Ctrl Z', 'Undo'], ['Ctrl Shift Z', 'Redo'], ['Ctrl Enter', 'Apply'],
];
const TOPOLOGY = [['Tab', 'Next column'], ['↑ ↓', 'Move in a column'], ['← →', 'Follow a line'], ['Enter', 'Light its path'], ['Esc', 'Light none']];

const Keys = ({ title, keys }) => html`<h3 class="sub">${title}</h3><dl class="keys">${keys.map(([names, text]) => html`<div key=${names}><dt>${names.split(' ').map((one) => html`<kbd key=${one}>${one}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl>`;

/** `pages`: [keys, title] of those that have keys. */
export function Shortcuts({ open, pages, onClose }) {
  return html`<${Dialog} open=${open} title="Keyboard" onClose=${onClose}>
    <label class="opt"><input type="checkbox" checked=${single.value} onChange=${(event) => allowSingle(event.currentTarget.checked)}/><span>Single keys work: letters, numbers, / and ?</span></label>
    <${Keys} title="Everywhere" keys=${EVERYWHERE}/><${Keys} title="Pages" keys=${pages}/><${Keys} title="Lists and objects" keys=${LISTS}/><${Keys} title="Set up networks" keys=${SETUP}/><${Keys} title="Topology" keys=${TOPOLOGY}/><//>`;
}
