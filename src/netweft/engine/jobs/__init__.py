"""Jobs, one function for each kind, and timers. Only this package calls agents."""
