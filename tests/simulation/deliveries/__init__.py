"""
The deliveries of links to receivers, simulated: years of healthy days, and outages that happened.
"""
