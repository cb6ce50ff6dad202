// The matrix of networks and clusters as a value: what is, what is wanted, and the requests that make one of the other. Pure.
// A draft is {[network/cluster]: {required, roles}, or null for not attached}: what differs from what is.
import { OVIRT } from '../lib/api.js';
import { command } from '../lib/same.js';

export const keyOf = (network, cluster) => `${network.id}/${cluster.id}`;

/** The cells of a window by their keys. */
export const cellsOf = (matrix) => new Map(matrix.cells.map((cell) => [`${cell.network}/${cell.cluster}`, cell]));

/** Whether a network may be in a cluster: both are of one data center. */
export const mayBe = (network, cluster) => network.data_center === cluster.data_center.id;

const plain = (cell) => (cell ? { required: cell.required, roles: [...cell.roles].sort() } : null);
const isSame = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));

/** What is wanted of a cell: as the draft has it, else as it is. */
export const wanted = (draft, key, cell) => (key in draft ? draft[key] : plain(cell));

/** The draft with another wish for a cell; a wish for what is there is none. */
export function wish(draft, key, cell, value) {
  const { [key]: _, ...rest } = draft;
  return isSame(value, cell) ? rest : { ...rest, [key]: plain(value) };
}

export const toggle = (draft, key, cell) => wish(draft, key, cell, wanted(draft, key, cell) ? null : plain(cell) ?? { required: false, roles: [] });

/** Required or not; what is not attached is attached by it. */
export function require(draft, key, cell) {
  const now = wanted(draft, key, cell) ?? { required: false, roles: [] };
  return wish(draft, key, cell, { ...now, required: !now.required });
}

/** The request that makes a cell what is wished; null for detached. There is no command for taking away the last role. */
export function requestFor(network, cluster, cell, value) {
  const below = `${OVIRT}/clusters/${cluster.id}/networks`;
  const names = [cluster.name, network.name];
  if (!value) return { method: 'DELETE', path: `${below}/${network.id}`, cli: command('cluster', 'detach', ...names) };
  const usages = { usages: { usage: [...(network.vm_network ? ['vm'] : []), ...value.roles] } };
  const options = [value.required ? '--required' : '--optional', ...value.roles.flatMap((role) => ['--role', role])];
  if (!cell) return { method: 'POST', path: below, body: { id: network.id, required: value.required, ...(value.roles.length && usages) }, cli: command('cluster', 'attach', ...names, options) };
  const isTold = value.roles.length > 0 || !cell.roles.length;
  return { method: 'PUT', path: `${below}/${network.id}`, body: { required: value.required, ...usages }, cli: isTold && command('cluster', 'change', ...names, options) };
}

/** The changes of a draft, in the order of the matrix: {key, icon, verb, what, how, call}. What a window does not show is left for when it does. */
export function changes(matrix, draft) {
  const cells = cellsOf(matrix);
  const found = [];
  for (const network of matrix.networks) {
    for (const cluster of matrix.clusters) {
      const key = keyOf(network, cluster);
      if (key in draft && !isSame(draft[key], cells.get(key))) found.push(changeOf(key, network, cluster, cells.get(key), draft[key]));
    }
  }
  return found;
}

function changeOf(key, network, cluster, cell, value) {
  const [icon, verb] = !value ? ['minus', 'Detach'] : cell ? ['pencil', 'Change'] : ['plus', 'Attach'];
  const how = value ? [value.required ? 'required' : 'optional', ...value.roles].join(', ') : '';
  return { key, icon, verb, what: network.name, how: `${cell ? 'in' : 'to'} ${cluster.name}${how && `: ${how}`}`, call: requestFor(network, cluster, cell, value) };
}
