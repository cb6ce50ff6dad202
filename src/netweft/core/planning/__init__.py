"""The phases of :func:`netweft.core.plan.plan`. Each yields a step, and continues after that has been played."""
