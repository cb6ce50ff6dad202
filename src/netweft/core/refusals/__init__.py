"""Why a step may not be done, one function per kind of step, each with the rule of the Linux kernel (or of
ovs-vswitchd.conf.db(5)) that it stands for. Each module has a table of them, ``REFUSALS``.
"""
