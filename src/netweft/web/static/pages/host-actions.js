// Actions on a host other than setting up its networks: activating, maintenance, copying the networks of another host.
import { OVIRT, OWN, exactly, get } from '../lib/api.js';
import { Choice, useAsk } from '../lib/form.js';
import { HostChange } from '../lib/host-change.js';
import { Dialog } from '../lib/parts.js';
import { html, useEffect, useState } from '../lib/preact.js';
import { command } from '../lib/same.js';
import { Refused, useData } from '../lib/view.js';
import { activate, deactivate } from './host-calls.js';

const deactivation = (host) => ({
  title: `Put ${host.name} into maintenance?`, verb: 'Put into maintenance', said: `${host.name} goes into maintenance.`,
  fields: () => html`<p>Its virtual machines move to other hosts of the cluster first; the host waits for those that cannot. Its networks stay.</p>`,
  of: () => deactivate(host),
});

const activation = (host) => ({
  title: `Activate ${host.name}?`, verb: 'Activate', said: `${host.name} is taken into service.`, fields: () => html`<p>Virtual machines may be started on it again.</p>`,
  of: () => activate(host),
});

/** The dialog before an action on a host. `asked`: {kind}: copy, activate, deactivate; another object each time. */
export function HostDialogs({ host, asked }) {
  const [dialog, ask] = useAsk();
  const [closed, close] = useState(/** @type {object | null} */ (null));
  useEffect(() => {
    if (asked.kind === 'activate') ask(activation(host));
    else if (asked.kind === 'deactivate') ask(deactivation(host));
  }, [asked]);
  return html`${dialog}${asked.kind === 'copy' && asked !== closed && html`<${Copy} host=${host} onClose=${() => close(asked)}/>`}`;
}

/** Gives a host the networks, bonds and labels of another of its cluster. */
function Copy({ host, onClose }) {
  const found = useData(() => get(`${OWN}/rows/hosts`, { search: `${exactly('cluster', host.cluster)} and not ${exactly('name', host.name)} sortby name`, max: 1000 }), [host.id]);
  const [source, setSource] = useState('');
  const others = found.data ?? [];
  const from = others.find((one) => one.id === source) ?? others[0];
  const request = { method: 'POST', path: `${OVIRT}/hosts/${host.id}/copyhostnetworks`, body: { source_host: { id: from?.id } } };
  const title = `Copy networks to ${host.name}`;
  if (!from) return found.data || found.error ? html`<${Dialog} open title=${title} onClose=${onClose}>${found.error ? html`<${Refused} error=${found.error}/>` : html`<p>Cluster ${host.cluster} has no other host, or none that you may see.</p>`}<//>` : null;
  return html`<${HostChange} title=${title} request=${request} verb="Copy" cli=${command('host', 'copy-networks', host.name, from.name)} onClose=${onClose} onDone=${() => undefined}>
    <${Choice} label="From" value=${from.id} options=${others.map((one) => [one.id, `${one.name}: ${one.networks} networks, ${one.bonds} bonds`])} onChange=${(event) => setSource(event.currentTarget.value)}/>
    <p class="quiet">Bonds and labels come with them. Static addresses do not: they are of one host.</p><//>`;
}
