// Logging in: the whole page for who comes, a dialog over the page when a session has ended, so that unsaved work stays.
import { logIn } from '../lib/api.js';
import { Dialog, Icon } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { Refused } from '../lib/view.js';

function Form() {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const [caps, setCaps] = useState(false);
  const send = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    logIn(String(form.get('username')), String(form.get('password'))).catch((refusal) => { setError(refusal); setBusy(false); });
  };
  return html`<form class="login-form" onSubmit=${send} onKeyUp=${(event) => setCaps(event.getModifierState?.('CapsLock') ?? false)}>
    <label>User name<input name="username" autocomplete="username" placeholder="admin@internal" required autofocus/></label>
    <label>Password<input name="password" type="password" autocomplete="current-password" required/></label>
    ${caps && html`<p class="fine"><${Icon} name="triangle-alert" size=${14}/>Caps Lock is on.</p>`}
    ${error && html`<${Refused} error=${error}/>`}
    <button class="btn primary wide" disabled=${busy}>${busy ? 'Logging in…' : 'Log in'}</button></form>`;
}

export function LoginPage() {
  useEffect(() => { document.title = 'Log in · Netweft'; }, []);
  return html`<main class="login" id="main"><div class="card"><h1>Netweft</h1><p class="quiet">Log in to manage the networks of your hosts.</p><${Form}/></div></main>`;
}

export const LoginDialog = ({ open }) => html`<${Dialog} open=${open} title="Log in again">
  <p class="quiet">Your session has ended. What is on this page is kept.</p><${Form}/><//>`;
