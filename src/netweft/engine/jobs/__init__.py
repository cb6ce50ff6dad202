"""What leaves the engine: one function for each kind of job, and the timers. Only here are agents talked to."""
