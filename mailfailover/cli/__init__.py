"""
The commands of ``mailfailover``, one idea a module. They need the extra ``cli``.
"""
