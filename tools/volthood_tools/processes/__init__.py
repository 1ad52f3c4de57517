"""Child processes that are restarted when they die and that never outlive their parent."""
