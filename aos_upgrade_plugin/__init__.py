"""Checked, resumable upgrades for Agent OS installations.

Third parties import from :mod:`aos_upgrade_plugin.api` only.
"""

__version__ = "0.1.0"
