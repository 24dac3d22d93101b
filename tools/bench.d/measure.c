/*
 * Run one command and tell what it cost.
 *
 *   measure REPORT COMMAND [ARGUMENT...]
 *
 * Writes "seconds user system peak_kib status" to REPORT. A small program of its
 * own, since Linux counts the parent's memory at the fork into the child's peak,
 * and since an interpreter's own start would be most of a short command's time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: measure REPORT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	double begin = now();
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror("measure");
		return 1;
	}
	double elapsed = now() - begin;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	FILE *report = fopen(argv[1], "w");
	if (report == NULL || fprintf(report, "%.6f %.6f %.6f %ld %d\n", elapsed, seconds(usage.ru_utime),
	                              seconds(usage.ru_stime), usage.ru_maxrss, code) < 0 || fclose(report) != 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
