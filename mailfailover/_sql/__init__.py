"""
Tables that know their version, in any database.
"""
