"""Work that was promised, as documents."""
