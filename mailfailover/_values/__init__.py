"""
Frozen values: what is said to a provider and what it answers. They know no mail.
"""
