// The tabs of an object: each is a page with an address of its own.
import { html } from './preact.js';

/** Links to the parts of an object. `tabs`: [address below `base`, text]; the empty one is the object itself. */
export const Tabs = ({ label, base, tabs, current = '' }) => html`<nav class="tabs" aria-label=${label}>${tabs.map(([name, text]) => html`<a key=${name}
  href=${name ? `${base}/${name}` : base} aria-current=${current === name ? 'page' : undefined}>${text}</a>`)}</nav>`;
