"""
What the author of a provider builds with; ``mailfailover.plugin`` is its face.
"""
