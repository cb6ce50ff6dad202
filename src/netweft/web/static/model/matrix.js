// The matrix of networks and clusters as a value: the actual and the desired state, and the requests for the differences. Pure.
// A draft is {[network/cluster]: {required, roles}, or null for not attached}: the differences from the actual state.
import { OVIRT } from '../lib/api.js';
import { command } from '../lib/same.js';
/** @import {Call, Cell, Column, Matrix, MatrixChange, MatrixDraft, Row, Desired} from './types.d.ts' */

/** @type {(network: { id: string }, cluster: { id: string }) => string} */
export const keyOf = (network, cluster) => `${network.id}/${cluster.id}`;

/** The cells of a window by their keys. @type {(matrix: Matrix) => Map<string, Cell>} */
export const cellsOf = (matrix) => new Map(matrix.cells.map((cell) => [`${cell.network}/${cell.cluster}`, cell]));

/** Whether a network may be in a cluster: both are of one data center. @type {(network: Row, cluster: Column) => boolean} */
export const mayBe = (network, cluster) => network.data_center === cluster.data_center.id;

/** @type {(cell?: Desired | null) => Desired | null} */
const plain = (cell) => (cell ? { required: cell.required, roles: [...cell.roles].sort() } : null);
/** @type {(a?: Desired | null, b?: Desired | null) => boolean} */
const isSame = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b));

/** The desired state of a cell: that of the draft, else the actual one. @type {(draft: MatrixDraft, key: string, cell?: Cell) => Desired | null} */
export const desired = (draft, key, cell) => (key in draft ? draft[key] : plain(cell));

/** The draft with another desired state of a cell; one that equals the actual state is left out. @type {(draft: MatrixDraft, key: string, cell: Cell | undefined, value: Desired | null) => MatrixDraft} */
export function withCell(draft, key, cell, value) {
  const { [key]: _, ...rest } = draft;
  return isSame(value, cell) ? rest : { ...rest, [key]: plain(value) };
}

/** @type {(draft: MatrixDraft, key: string, cell?: Cell) => MatrixDraft} */
export const toggle = (draft, key, cell) => withCell(draft, key, cell, desired(draft, key, cell) ? null : plain(cell) ?? { required: false, roles: [] });

/** Required or not; what is not attached is attached by it. @type {(draft: MatrixDraft, key: string, cell?: Cell) => MatrixDraft} */
export function require(draft, key, cell) {
  const now = desired(draft, key, cell) ?? { required: false, roles: [] };
  return withCell(draft, key, cell, { ...now, required: !now.required });
}

/** The places, [row, column], of the cells between two of them. @type {(one: [number, number], other: [number, number]) => [number, number][]} */
export function between(one, other) {
  const [rows, columns] = [0, 1].map((n) => [Math.min(one[n], other[n]), Math.max(one[n], other[n])]);
  const found = /** @type {[number, number][]} */ ([]);
  for (let row = rows[0]; row <= rows[1]; row += 1) for (let column = columns[0]; column <= columns[1]; column += 1) found.push([row, column]);
  return found;
}

/** The draft where the cells at these places are attached and required as `value` is, or detached with null. Roles stay: a cluster has each of them once.
 * @type {(matrix: Matrix, draft: MatrixDraft, places: [number, number][], value: Desired | null) => MatrixDraft} */
export function fill(matrix, draft, places, value) {
  const cells = cellsOf(matrix);
  return places.map(([row, column]) => /** @type {[Row, Column]} */ ([matrix.networks[row], matrix.clusters[column]])).filter(([network, cluster]) => mayBe(network, cluster)).reduce((next, [network, cluster]) => {
    const [key, cell] = [keyOf(network, cluster), cells.get(keyOf(network, cluster))];
    return withCell(next, key, cell, value && { required: value.required, roles: desired(next, key, cell)?.roles ?? [] });
  }, draft);
}

/** The request for the desired state of a cell; null for detached. There is no command that removes the last role.
 * @type {(network: Pick<Row, 'id' | 'name' | 'vm_network'>, cluster: Pick<Column, 'id' | 'name'>, cell: Cell | undefined, value: Desired | null) => Call} */
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

/** The changes of a draft, in the order of the matrix: {key, icon, verb, what, how, call}. What a window does not show is left for when it does.
 * @type {(matrix: Matrix, draft: MatrixDraft) => MatrixChange[]} */
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

/** @type {(key: string, network: Row, cluster: Column, cell: Cell | undefined, value: Desired | null) => MatrixChange} */
function changeOf(key, network, cluster, cell, value) {
  const [icon, verb] = !value ? ['minus', 'Detach'] : cell ? ['pencil', 'Change'] : ['plus', 'Attach'];
  const how = value ? [value.required ? 'required' : 'optional', ...value.roles].join(', ') : '';
  return { key, icon, verb, what: network.name, how: `${cell ? 'in' : 'to'} ${cluster.name}${how && `: ${how}`}`, call: requestFor(network, cluster, cell, value) };
}
