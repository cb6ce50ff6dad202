"""Netweft: the logical networks of a fleet of KVM hosts, carried to every host and kept there."""
