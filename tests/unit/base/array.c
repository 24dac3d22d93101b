#include "base/array.h"
#include "support.h"

static size_t compared;

typedef struct item {
	int key;
	char rest[5];
} item;

static int by_key(const void *a, const void *b)
{
	compared++;
	return ((const item *)a)->key - ((const item *)b)->key;
}

static void items_grow_by_doubling_and_keep_what_they_hold(void **state)
{
	(void)state;
	int *items = NULL;
	size_t capacity = 0, moves = 0;
	for (int i = 0; i < 1000; i++) {
		size_t before = capacity;
		items = pnr_array_grow(items, sizeof *items, (size_t)i, &capacity);
		assert_non_null(items);
		moves += capacity != before;
		items[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_true(moves < 10);
	free(items);
}

static void items_come_into_order(void **state)
{
	(void)state;
	item items[100];
	for (size_t count = 0; count <= 100; count++) {
		for (int step = 1; step < 100; step += 7) {
			for (size_t i = 0; i < count; i++)
				items[i] = (item){ .key = (int)(i * (size_t)step % 101), .rest = "rest" };
			pnr_array_sort(items, count, sizeof *items, by_key);
			for (size_t i = 1; i < count; i++)
				assert_true(items[i - 1].key <= items[i].key && strcmp(items[i].rest, "rest") == 0);
		}
	}
	/* Only the last two are out of order. */
	for (int i = 0; i < 100; i++)
		items[i].key = i == 99 ? 0 : i;
	pnr_array_sort(items, 100, sizeof *items, by_key);
	assert_int_equal(items[1].key, 0);
	assert_int_equal(items[99].key, 98);
}

static void what_is_in_order_costs_one_comparison_an_item(void **state)
{
	(void)state;
	item items[100];
	for (int i = 0; i < 100; i++)
		items[i].key = i / 3;
	compared = 0;
	pnr_array_sort(items, 100, sizeof *items, by_key);
	assert_int_equal(compared, 99);
	pnr_array_sort(items, 1, sizeof *items, by_key);
	pnr_array_sort(NULL, 0, sizeof *items, by_key);
	assert_int_equal(compared, 99);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_grow_by_doubling_and_keep_what_they_hold),
		cmocka_unit_test(items_come_into_order),
		cmocka_unit_test(what_is_in_order_costs_one_comparison_an_item),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
