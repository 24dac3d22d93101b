/*
 * Every command under faults of files and SQL: call number N fails once with an
 * error, moves half of its bytes, or is the last one of the process, for N = 1,
 * 2, ... until a run gets through.
 *
 * usage: fault-files [error|short|SIGKILL [COMMAND]]
 */
#include "base/file.h"
#include "harness.h"
#include "trees.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KILL (-1)
#define HALVE (-2)
#define FAIL (-3)

static const fault *armed;

/* EIO; each second call that can need room has none. */
static int error_of(pnr_file_call call)
{
	switch (call) {
	case PNR_CALL_WRITE:
	case PNR_CALL_CLONE:
	case PNR_CALL_FSYNC:
	case PNR_CALL_SYNCFS:
	case PNR_CALL_MKDIR:
	case PNR_CALL_RENAME:
	case PNR_CALL_RENAME_NEW:
	case PNR_CALL_LINK:
	case PNR_CALL_TRUNCATE:
	case PNR_CALL_SQL_WRITE:
	case PNR_CALL_SQL_SYNC:
	case PNR_CALL_SQL_SHM:
		return armed->n % 2 != 0 ? ENOSPC : EIO;
	default:
		return EIO;
	}
}

static int gate(pnr_file_call call, size_t *length)
{
	if (armed->how == HALVE && (length == NULL || *length < 2))
		return 0;
	if (atomic_fetch_add(&shared->calls, 1) + 1 != armed->n)
		return 0;
	shared->call = pnr_file_call_name(call);
	/* A page that is not written whole: SQLite takes the disk for full. */
	shared->forgivable = armed->how == HALVE && call == PNR_CALL_SQL_WRITE;
	shared->fired = true;
	if (armed->how == KILL)
		(void)raise(SIGKILL);
	if (armed->how == FAIL)
		return error_of(call);
	*length /= 2;
	return 0;
}

static void arm(const fault *f)
{
	armed = f;
	pnr_file_gate_hook = gate;
}

int main(int argc, char **argv)
{
	static const fault faults[] = {
		{ "error", arm, 0, FAIL, false, false },
		{ "short", arm, 0, HALVE, false, true },
		{ "SIGKILL", arm, 0, KILL, true, false },
	};
	long total = 0;
	set_up();
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		if (argc > 1 && strcmp(argv[1], faults[i].name) != 0)
			continue;
		for (const command *c = commands; c->name != NULL; c++)
			if (argc < 3 || strcmp(argv[2], c->name) == 0)
				total += fault_loop(c, faults[i], 0, STRIDE);
	}
	tear_down();
	printf("%ld faults\n", total);
	if (argc < 3 && total < 300 / STRIDE)
		die("only %ld calls pass the gate", total);
	return 0;
}
