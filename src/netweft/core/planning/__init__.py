"""The phases of :func:`netweft.core.plan.plan`. Each yields a step, and goes on when that has been played."""
