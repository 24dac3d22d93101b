/* Many processes at one folder, and its lock. */
#include "support.h"
#include <time.h>

/* Somebody who tidies up takes the lock away all the time: it is looked at again. */
static int increment_or_remove_lock(const scratch *s, unsigned process)
{
	if (process > 0)
		return open_and_increment(s, 0);
	for (unsigned i = 0; i < 200; i++) {
		const struct timespec pause = { 0, 1000 * 1000 };
		int fd = openat(s->fd, "lock~", O_RDWR | O_CLOEXEC);
		/* Under the lock: what is removed is nobody's. */
		if (fd >= 0 && pnr_file_lock(fd, 2 /* LOCK_EX */, "lock~", NULL) == PNR_OK)
			(void)unlinkat(s->fd, "lock~", 0);
		if (fd >= 0)
			close(fd);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

static void a_lock_that_is_removed_is_made_again(void **state)
{
	const scratch *s = *state;
	together(5, increment_or_remove_lock, s);
	pnr_remote *remote = created(s);
	assert_int_equal(number_at(remote, "tags/even"), 4 * INCREMENTS);
	pnr_remote_close(remote);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scratch_test(a_lock_that_is_removed_is_made_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
