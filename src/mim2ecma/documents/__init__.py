"""What every other package shares: findings, errors, limits, schemas, safe names, printable text."""
