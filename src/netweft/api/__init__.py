"""The public API: oVirt's v4 API in XML and JSON, and Netweft's additions. Parse, begin, call one command or query,
show.
"""
