"""Work that was promised: reading and writing its documents."""
