"""
The built-in providers, one vendor each, registered as entry points like everybody's.
"""
