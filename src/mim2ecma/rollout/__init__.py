"""What roles need to know around the documents: run folders, advice on failures, the way of files, records."""
