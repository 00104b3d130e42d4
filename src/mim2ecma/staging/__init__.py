"""From inspection, closure and the listing of the ECMA host to a plan.

What is added, replaced, kept or refused, and why.
"""
