"""A laboratory on one machine: hosts that are network namespaces, cables, and a switch between them."""
