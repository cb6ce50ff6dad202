/*
 * Lets a User-Mode Linux run on a processor that has more registers than it was built for.
 *
 * It sets the extended registers of its processes by PTRACE_SETREGSET with a buffer of the size that it knows. Since AMX the machine's
 * kernel expects a larger one, and refuses. Preloaded, this ptrace() reads the whole set first, puts what User-Mode Linux knows in
 * front, and writes the whole set back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define NT_X86_XSTATE 0x202
#define XSTATE_BV 512                 /* octet of the header's word that says which components follow (Intel SDM 1, 13.4.2) */
#define KNOWN_COMPONENTS UINT64_C(0x2ff) /* x87 to AVX-512 and PKRU: what lies within the part that User-Mode Linux knows */

static char whole[1 << 15] __attribute__((aligned(64)));

static long call(long request, pid_t pid, void *address, void *data)
{
	return syscall(SYS_ptrace, request, (long)pid, address, data);
}

static long set_registers(pid_t pid, void *address, const struct iovec *known)
{
	struct iovec all = { whole, sizeof whole };
	uint64_t components;

	if (call(PTRACE_GETREGSET, pid, address, &all) < 0)
		return -1;
	memcpy(whole, known->iov_base, known->iov_len < all.iov_len ? known->iov_len : all.iov_len);
	if (all.iov_len > known->iov_len) {
		memcpy(&components, whole + XSTATE_BV, sizeof components);
		components &= KNOWN_COMPONENTS;
		memcpy(whole + XSTATE_BV, &components, sizeof components);
	}
	return call(PTRACE_SETREGSET, pid, address, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
	va_list rest;
	pid_t pid;
	void *address, *data;
	long word;

	va_start(rest, request);
	pid = va_arg(rest, pid_t);
	address = va_arg(rest, void *);
	data = va_arg(rest, void *);
	va_end(rest);

	switch ((long)request) {
	case PTRACE_SETREGSET:
		if ((uintptr_t)address == NT_X86_XSTATE)
			return set_registers(pid, address, data);
		break;
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSER: /* ptrace(2): the library's function returns the word that the system call stores */
		if (call(request, pid, address, &word) < 0)
			return -1;
		errno = 0;
		return word;
	default:
		break;
	}
	return call(request, pid, address, data);
}
