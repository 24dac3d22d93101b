/* One call of files fails, in a way that is to be chosen: what tests do for each call there is. */
#ifndef TESTS_UNIT_FAULT_H
#define TESTS_UNIT_FAULT_H

#include "base/file.h"
#include <errno.h>
#include <unistd.h>

/* Death first: a process forks quickly while it is small. */
typedef enum fault { FAULT_DEATH, FAULT_EIO, FAULT_ENOSPC, FAULT_SHORT, FAULT_KINDS } fault;

/* The gate has no argument of its own. */
static struct {
	fault kind;
	unsigned target; /* the call to fail, from 1; 0: none */
	unsigned calls;
	pnr_file_call hit;
	bool triggered;
} armed;

/* The program's. To die before a call that changes nothing is to die before the next one that does. */
static bool counts(pnr_file_call call);

static inline int gate_fault(pnr_file_call call, size_t *length)
{
	if (!counts(call) || ++armed.calls != armed.target)
		return 0;
	armed.triggered = true;
	armed.hit = call;
	switch (armed.kind) {
	case FAULT_EIO:
		return EIO;
	case FAULT_ENOSPC:
		return ENOSPC;
	case FAULT_SHORT:
		*length = (*length + 1) / 2;
		return 0;
	default:
		_exit(0);
	}
}

static inline void arm(fault kind, unsigned target)
{
	armed.kind = kind;
	armed.target = target;
	armed.calls = 0;
	armed.triggered = false;
	pnr_file_gate_hook = gate_fault;
}

#endif
