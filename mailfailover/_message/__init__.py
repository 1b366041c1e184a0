"""
A mail: its fields, its checks, and its forms as JSON and MIME.
"""
