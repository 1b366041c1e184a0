"""
What :mod:`mailfailover.tracking` is made of.
"""
