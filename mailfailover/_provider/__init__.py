"""
The kit for authors of providers; ``mailfailover.plugin`` is its face.
"""
