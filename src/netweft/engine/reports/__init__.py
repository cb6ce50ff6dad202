"""Processes the reports of hosts and their consequences."""
