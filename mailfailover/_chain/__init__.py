"""
One mail to the first provider that takes it.
"""
