"""
Text, TOML and environment variables turned into a chain.
"""
