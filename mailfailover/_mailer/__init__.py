"""
The facade, and what surrounds a send.
"""
