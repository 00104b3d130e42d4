"""What roles need around the documents: run folders, advice on failures, the way of files, records."""
