// Where the page shows things of each kind.
import { exactly } from './api.js';

/** The address of a list that shows one thing: by its words, or by a search where these would be taken for one. */
const listed = (place) => (id, parent, name) => `${place}?search=${encodeURIComponent(/^[\w .:-]+$/.test(name) ? name : exactly('name', name))}`;

const PLACES = {
  host: (id) => `hosts/${id}`,
  network: (id) => `networks/${id}`,
  cluster: (id) => `clusters/${id}`,
  vm: (id) => `vms/${id}`,
  vnic: (id, parent) => `vms/${parent}`,
  vnic_profile: listed('policies/profiles'),
  qos: listed('policies/qos'),
  mac_pool: listed('policies/macpools'),
  subnet: (id, parent) => `networks/${parent}`,
  provider: (id) => `providers/${id}`,
  rollout: (id) => `rollouts/${id}`,
};

/** The address of a thing. `parent`: the id of what it is in. */
export const addressOf = ({ kind, id, name, parent }) => `/ui/${PLACES[kind](id, parent, name)}`;
