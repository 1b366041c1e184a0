"""
Which providers are up, and how much may go to each.
"""
