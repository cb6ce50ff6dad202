// Where the page shows things of each kind.
const PLACES = {
  host: (id) => `hosts/${id}`,
  network: (id) => `networks/${id}`,
  cluster: (id) => `clusters/${id}`,
  vm: (id) => `vms/${id}`,
  vnic: (id, parent) => `vms/${parent}`,
  vnic_profile: (id, parent, name) => `policies/profiles?search=${encodeURIComponent(name)}`,
  qos: (id, parent, name) => `policies/qos?search=${encodeURIComponent(name)}`,
  mac_pool: (id, parent, name) => `policies/macpools?search=${encodeURIComponent(name)}`,
  subnet: (id, parent) => `networks/${parent}`,
  provider: (id) => `providers/${id}`,
  rollout: (id) => `rollouts/${id}`,
};

/** The address of a thing. `parent`: the id of what it is in. */
export const addressOf = ({ kind, id, name, parent }) => `/ui/${PLACES[kind](id, parent, name)}`;
