/* The pool: every job runs once, side by side, results in the order of submission. */
#include "support.h"
#include "base/pool.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

typedef struct counting {
	pnr_job job; /* first: the pool knows no more of us */
	unsigned number;
	atomic_uint runs;
	pthread_t thread;
} counting;

static void count_run(pnr_job *job)
{
	counting *c = (counting *)(void *)job;
	atomic_fetch_add(&c->runs, 1);
	c->thread = pthread_self();
	if (c->number % 7 == 3)
		job->status = pnr_fail(&job->error, PNR_CORRUPT, "job %u", c->number);
}

static pnr_pool *new_pool(unsigned threads)
{
	pnr_pool *pool = NULL;
	assert_int_equal(pnr_pool_new(threads, &pool, NULL), PNR_OK);
	return pool;
}

static void run_many(unsigned threads)
{
	enum { JOBS = 2000 };
	counting *jobs = calloc(JOBS, sizeof *jobs);
	pnr_pool *pool = new_pool(threads);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < JOBS; i++) {
			jobs[i].job.run = count_run;
			jobs[i].number = i;
			pnr_pool_submit(pool, &jobs[i].job);
		}
		for (unsigned i = 0; i < JOBS; i++) {
			char expected[32];
			pnr_error err = PNR_ERROR_INIT;
			pnr_status status = pnr_pool_wait(pool, &jobs[i].job, &err);
			assert_int_equal(status, i % 7 == 3 ? PNR_CORRUPT : PNR_OK);
			assert_int_equal(err.status, status);
			snprintf(expected, sizeof expected, "job %u", i);
			assert_string_equal(err.message, status == PNR_OK ? "" : expected);
			assert_int_equal(atomic_load(&jobs[i].runs), round + 1);
			assert_true(pnr_pool_done(pool, &jobs[i].job));
		}
	}
	pnr_pool_free(pool);
	free(jobs);
}

static void many_jobs_on_several_threads_run_once_each(void **state)
{
	(void)state;
	run_many(4);
	run_many(3);
	run_many(2);
}

static void one_thread_runs_jobs_where_they_are_submitted(void **state)
{
	(void)state;
	run_many(1);
	pnr_pool *pool = new_pool(1);
	counting c = { .job.run = count_run };
	pnr_pool_submit(pool, &c.job);
	assert_int_equal(atomic_load(&c.runs), 1);
	assert_true(pnr_pool_done(pool, &c.job));
	assert_true(pthread_equal(c.thread, pthread_self()));
	assert_int_equal(pnr_pool_wait(pool, &c.job, NULL), PNR_OK);
	pnr_pool_free(pool);
}

static void an_earlier_cause_is_not_overwritten(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= 2; threads++) {
		pnr_error err = PNR_ERROR_INIT;
		pnr_pool *pool = new_pool(threads);
		counting c = { .job.run = count_run, .number = 3 };
		(void)pnr_fail(&err, PNR_FULL, "earlier");
		pnr_pool_submit(pool, &c.job);
		assert_int_equal(pnr_pool_wait(pool, &c.job, &err), PNR_CORRUPT);
		assert_string_equal(err.message, "earlier");
		pnr_pool_submit(pool, &c.job);
		assert_int_equal(pnr_pool_wait(pool, &c.job, NULL), PNR_CORRUPT);
		pnr_pool_free(pool);
	}
}

static size_t thread_count(void)
{
	size_t count = 0;
	int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pnr_file_list(fd, "task", count_name, &count, NULL), PNR_OK);
	close(fd);
	return count;
}

static void no_thread_is_made_without_a_job(void **state)
{
	(void)state;
	size_t before = thread_count();
	pnr_pool *pool = new_pool(8);
	assert_int_equal(thread_count(), before);
	counting c = { .job.run = count_run };
	pnr_pool_submit(pool, &c.job);
	assert_int_equal(thread_count(), before + 1);
	assert_int_equal(pnr_pool_wait(pool, &c.job, NULL), PNR_OK);
	pnr_pool_free(pool);
	/* One that was joined may be listed a moment longer. */
	for (int i = 0; i < 10000 && thread_count() != before; i++)
		(void)usleep(1000);
	assert_int_equal(thread_count(), before);
}

static void the_number_of_threads_is_bounded(void **state)
{
	(void)state;
	pnr_pool *pool = new_pool(0);
	assert_in_range(pnr_pool_threads(pool), 1, 1024);
	pnr_pool_free(pool);
	pool = new_pool(100000);
	assert_int_equal(pnr_pool_threads(pool), 1024);
	pnr_pool_free(pool);
	pool = new_pool(5);
	assert_int_equal(pnr_pool_threads(pool), 5);
	pnr_pool_free(pool);
	pnr_pool_free(NULL);
}

/* ------------------------------------------------------------ rendezvous -- */

static struct meeting {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned present, expected;
} meeting = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

/* Returns when all are there; the deadline only ends a test that fails. */
static void meet(pnr_job *job)
{
	struct timespec deadline;
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += 60;
	pthread_mutex_lock(&meeting.mutex);
	meeting.present++;
	pthread_cond_broadcast(&meeting.changed);
	while (meeting.present < meeting.expected && job->status == PNR_OK)
		if (pthread_cond_timedwait(&meeting.changed, &meeting.mutex, &deadline) != 0)
			job->status = pnr_fail(&job->error, PNR_BUSY, "waited in vain");
	pthread_mutex_unlock(&meeting.mutex);
}

static void as_many_jobs_as_threads_run_at_the_same_time(void **state)
{
	(void)state;
	pnr_pool *pool = new_pool(6);
	pnr_job jobs[6];
	/* In the second round idle threads are there already, in the first none. */
	for (unsigned round = 0, size = 1; round < 4; round++, size = round == 1 ? 3 : 6) {
		meeting.present = 0;
		meeting.expected = size;
		for (unsigned i = 0; i < size; i++) {
			jobs[i] = (pnr_job){ .run = meet };
			pnr_pool_submit(pool, &jobs[i]);
		}
		for (unsigned i = 0; i < size; i++)
			assert_int_equal(pnr_pool_wait(pool, &jobs[i], NULL), PNR_OK);
	}
	pnr_pool_free(pool);
}

/* --------------------------------------------------------------- signals -- */

static sigset_t mask_of_job;

static void take_mask(pnr_job *job)
{
	(void)job;
	pthread_sigmask(SIG_BLOCK, NULL, &mask_of_job);
}

static void signals_go_to_the_programs_own_threads(void **state)
{
	(void)state;
	sigset_t before, after;
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	pnr_pool *pool = new_pool(2);
	pnr_job job = { .run = take_mask };
	pnr_pool_submit(pool, &job);
	assert_int_equal(pnr_pool_wait(pool, &job, NULL), PNR_OK);
	pnr_pool_free(pool);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	assert_int_equal(sigismember(&before, SIGINT), 0);
	assert_int_equal(sigismember(&after, SIGINT), 0);
	assert_int_equal(sigismember(&mask_of_job, SIGINT), 1);
	assert_int_equal(sigismember(&mask_of_job, SIGTERM), 1);
	assert_int_equal(sigismember(&mask_of_job, SIGSEGV), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_jobs_on_several_threads_run_once_each),
		cmocka_unit_test(one_thread_runs_jobs_where_they_are_submitted),
		cmocka_unit_test(an_earlier_cause_is_not_overwritten),
		cmocka_unit_test(no_thread_is_made_without_a_job),
		cmocka_unit_test(the_number_of_threads_is_bounded),
		cmocka_unit_test(as_many_jobs_as_threads_run_at_the_same_time),
		cmocka_unit_test(signals_go_to_the_programs_own_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
