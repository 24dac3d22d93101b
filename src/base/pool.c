#include "base/pool.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define MAX_THREADS 1024u

struct pnr_pool {
	pthread_mutex_t mutex;
	pthread_cond_t work; /* a job was queued, or the pool ends */
	pthread_cond_t done; /* a job has run */
	pnr_job *first, **last;
	bool ending;
	unsigned wanted;  /* threads */
	unsigned started; /* threads that exist */
	unsigned idle;    /* of these, waiting for work */
	size_t queued;    /* jobs that no thread took yet */
	pthread_t threads[MAX_THREADS];
};

static void *serve(void *argument)
{
	pnr_pool *pool = argument;
	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (pool->first == NULL && !pool->ending) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->mutex);
			pool->idle--;
		}
		pnr_job *job = pool->first;
		if (job == NULL)
			break;
		pool->first = job->next;
		pool->queued--;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pthread_mutex_unlock(&pool->mutex);
		job->run(job);
		pthread_mutex_lock(&pool->mutex);
		job->done = true;
		pthread_cond_broadcast(&pool->done);
	}
	pthread_mutex_unlock(&pool->mutex);
	return NULL;
}

pnr_status pnr_pool_new(unsigned threads, pnr_pool **out_pool, pnr_error *err)
{
	if (threads == 0) {
		long cores = sysconf(_SC_NPROCESSORS_ONLN);
		threads = cores < 1 ? 1 : (unsigned)cores;
	}
	pnr_pool *pool = calloc(1, sizeof *pool);
	if (pool == NULL)
		return pnr_fail_nomem(err);
	pool->wanted = threads < MAX_THREADS ? threads : MAX_THREADS;
	pool->last = &pool->first;
	if (pthread_mutex_init(&pool->mutex, NULL) != 0) {
		free(pool);
		return pnr_fail_nomem(err);
	}
	if (pthread_cond_init(&pool->work, NULL) != 0) {
		pthread_mutex_destroy(&pool->mutex);
		free(pool);
		return pnr_fail_nomem(err);
	}
	if (pthread_cond_init(&pool->done, NULL) != 0) {
		pthread_cond_destroy(&pool->work);
		pthread_mutex_destroy(&pool->mutex);
		free(pool);
		return pnr_fail_nomem(err);
	}
	*out_pool = pool;
	return PNR_OK;
}

unsigned pnr_pool_threads(const pnr_pool *pool)
{
	return pool->wanted;
}

/* Signals are for the threads that the program made itself; but a fault is its own thread's. */
static void start_thread(pnr_pool *pool)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	sigset_t blocked, before;
	(void)sigfillset(&blocked);
	for (size_t i = 0; i < PNR_COUNT(faults); i++)
		(void)sigdelset(&blocked, faults[i]);
	if (pthread_sigmask(SIG_BLOCK, &blocked, &before) != 0)
		return;
	if (pthread_create(&pool->threads[pool->started], NULL, serve, pool) == 0)
		pool->started++;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void pnr_pool_submit(pnr_pool *pool, pnr_job *job)
{
	job->status = PNR_OK;
	job->error = (pnr_error)PNR_ERROR_INIT;
	job->done = false;
	job->next = NULL;
	if (pool->wanted == 1) {
		job->run(job);
		job->done = true;
		return;
	}
	pthread_mutex_lock(&pool->mutex);
	*pool->last = job;
	pool->last = &job->next;
	pool->queued++;
	/* Threads are made when there is work for them: a run in which nothing changed makes none. */
	if (pool->queued > pool->idle && pool->started < pool->wanted)
		start_thread(pool);
	pthread_cond_signal(&pool->work);
	bool alone = pool->started == 0;
	if (alone) {
		/* No thread could be made: the submitter does the work. */
		pool->first = NULL;
		pool->last = &pool->first;
		pool->queued = 0;
	}
	pthread_mutex_unlock(&pool->mutex);
	if (alone) {
		job->run(job);
		job->done = true;
	}
}

pnr_status pnr_pool_wait(pnr_pool *pool, pnr_job *job, pnr_error *err)
{
	pthread_mutex_lock(&pool->mutex);
	while (!job->done)
		pthread_cond_wait(&pool->done, &pool->mutex);
	pthread_mutex_unlock(&pool->mutex);
	if (job->status != PNR_OK && err != NULL && err->status == PNR_OK)
		*err = job->error;
	return job->status;
}

bool pnr_pool_done(pnr_pool *pool, pnr_job *job)
{
	pthread_mutex_lock(&pool->mutex);
	bool done = job->done;
	pthread_mutex_unlock(&pool->mutex);
	return done;
}

void pnr_pool_free(pnr_pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->mutex);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->started; i++)
		(void)pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
