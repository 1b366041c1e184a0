"""
What the commands of :mod:`mailfailover.cli` do, one idea a module. Needs the extra ``cli``.
"""
