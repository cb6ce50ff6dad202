// The networks of a provider, and importing them.
import { OVIRT, OWN, get, request } from '../lib/api.js';
import { Choice } from '../lib/form.js';
import { Act, Icon, say } from '../lib/parts.js';
import { html, useState } from '../lib/preact.js';
import { Same, command } from '../lib/same.js';
import { Refused } from '../lib/view.js';
/** @import {Failure} from '../model/types.d.ts' */

/** The networks there that are not here yet, and the data centers that they may come to. */
async function look(provider) {
  const place = `${OVIRT}/openstacknetworkproviders/${provider.id}/networks`;
  const [there, centers, here] = await Promise.all([get(place), get(`${OVIRT}/datacenters`), get(`${OWN}/networks`)]);
  const known = new Set(here.filter((one) => one.provision.provider_id === provider.id).map((one) => one.provision.external_id));
  return { place, centers: centers.data_center ?? [], there: (there.openstack_network ?? []).map((one) => ({ ...one, isHere: known.has(one.id) })) };
}

export function Importing({ provider, reload }) {
  const [made, setMade] = useState(/** @type {{ busy?: boolean, error?: Failure, found?: Awaited<ReturnType<typeof look>> }} */ ({})); // {busy} | {error} | {found}
  const ask = async () => {
    setMade({ busy: true });
    setMade(await look(provider).then((found) => ({ found }), (error) => ({ error })));
  };
  return html`<section class="part" aria-labelledby="h-there"><div class="bar"><h2 id="h-there">Networks there</h2><span class="grow"></span>
      <button type="button" class="btn" disabled=${made.busy} onClick=${ask}><${Icon} name="search"/>${made.busy ? 'Asking the provider…' : 'List what it has'}</button></div>
    ${made.error && html`<${Refused} error=${made.error}/>`}
    ${made.found && (made.found.there.length ? html`<${Pick} provider=${provider} found=${made.found} done=${async () => { await ask(); reload(); }}/>` : html`<p class="quiet" role="status">It has no networks.</p>`)}</section>`;
}

/** @typedef {{ name: string, error: Failure }} Failed */

function Pick({ provider, found, done }) {
  const [picked, pick] = useState(/** @type {string[]} */ ([]));
  const [center, setCenter] = useState(found.centers[0]?.id ?? '');
  const [made, setMade] = useState(/** @type {{ busy?: boolean, failed: Failed[] }} */ ({ failed: [] }));
  const turn = (id) => pick(picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id]);
  const chosen = found.there.filter((one) => picked.includes(one.id));
  const calls = chosen.map((one) => ({
    method: 'POST', path: `${found.place}/${one.id}/import`, body: { data_center: { id: center } },
    cli: command('provider', 'network', 'import', provider.name, one.name, '--datacenter', found.centers.find((each) => each.id === center)?.name ?? center),
  }));
  const send = async (event) => {
    event.preventDefault();
    setMade({ busy: true, failed: [] });
    /** @type {Failed[]} */
    const failed = [];
    for (const [n, call] of calls.entries()) await request(call).catch((error) => failed.push({ name: chosen[n].name, error }));
    say(`${calls.length - failed.length} of ${calls.length} networks are imported.`);
    setMade({ failed });
    pick([]);
    done();
  };
  return html`<form class="card form" onSubmit=${send}><fieldset class="picks"><legend>Import</legend>
      ${found.there.map((one) => html`<label class="check" key=${one.id}><input type="checkbox" checked=${picked.includes(one.id)} disabled=${one.isHere} onChange=${() => turn(one.id)}/><span>${one.name}<span class="quiet"> ${one.isHere ? 'is here' : one.description}</span></span></label>`)}</fieldset>
    <div class="bar"><${Choice} label="Into data center" value=${center} options=${found.centers.map((one) => [one.id, one.name])} onChange=${(event) => setCenter(event.currentTarget.value)}/></div>
    ${made.failed.map(({ name, error }) => html`<${Refused} key=${name} error=${{ message: `${name}: ${error.message}` }}/>`)}
    ${calls.length > 0 && html`<${Same} calls=${calls}/>`}
    <div><${Act} right="create_storage_pool_network" type="submit" class="btn primary" disabled=${!calls.length || made.busy}>${made.busy ? 'Importing…' : `Import ${calls.length} ${calls.length === 1 ? 'network' : 'networks'}`}<//></div></form>`;
}
