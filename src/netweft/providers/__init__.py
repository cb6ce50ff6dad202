"""External systems that have networks of their own, under one contract; one module for each kind."""
