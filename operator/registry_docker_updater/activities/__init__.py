"""What goes on in the operator: reconcile, roll out, notify, scan, repair, poll; one a file.

An activity asks the core what is to be done, has a door do it, and keeps what came of it in one transaction. It knows no
other activity: what it needs of one, a function or a protocol, the composition root hands in.
"""
