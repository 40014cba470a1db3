"""Work that was promised: what drives it, watches over it and shows it."""
