"""What a connector's files are and need.

Metadata read without loading, and the closure over their references.
"""
