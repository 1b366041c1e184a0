"""
The app's commands of ``manage.py``.
"""
