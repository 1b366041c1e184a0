"""
Leaves the tests of this distribution alone where it is not installed.

The library's own tests install it and run them: ``tests/test_plugin_distribution.py``.
"""

from importlib.util import find_spec

collect_ignore = [] if find_spec("mailfailover_acme") else ["tests"]
