"""Why a step is refused: one function per kind of step, each with its rule of the Linux kernel (or of
ovs-vswitchd.conf.db(5)). Each module has a table of them, ``REFUSALS``.
"""
