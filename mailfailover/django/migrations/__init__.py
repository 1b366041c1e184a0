"""
The app's migrations: they make the outbox's tables wherever the project migrates.
"""
