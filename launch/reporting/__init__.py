"""The report: from run directories to pages, by their files alone."""
