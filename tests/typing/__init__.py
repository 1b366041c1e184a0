"""
Programs that type checkers read and that nothing runs.
"""
