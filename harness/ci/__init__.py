"""What a CI system is told beside the exit code: annotations, and the job's summary."""
