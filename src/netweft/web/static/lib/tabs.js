// The tabs of an object: each is a page with an address of its own.
import { html } from './preact.js';

/** `tabs`: [address below /ui/, words]; `at`: that of the one that is shown. */
export const Tabs = ({ label, tabs, at }) => html`<nav class="tabs" aria-label=${label}>${tabs.map(([place, text]) => html`<a key=${place} href=${`/ui/${place}`} aria-current=${place === at ? 'page' : undefined}>${text}</a>`)}</nav>`;
