"""What a connector's files are and need: metadata read without loading, and the closure over their references."""
