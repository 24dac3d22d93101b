/*
 * Engine "projection": the expected cash flows of term-life policies, summed
 * over the portfolio, from the tables that the host has filled in.
 *
 * Year t runs from 0. Premiums, commission and expenses fall on the start of a
 * year, claims on its end.
 */
#include "engine.h"

enum { FIRST_AGE = 18, LAST_AGE = 100, AGES = LAST_AGE - FIRST_AGE + 1 };
enum { FLOWS = 6 };

/* One year of cash flows, as the host reads it. */
struct year {
	double in_force, premiums, commission, expenses, claims, deaths;
};
_Static_assert(sizeof(struct year) == FLOWS * sizeof(double), "the host reads six doubles a year");

struct expenses {
	double acquisition, maintenance, inflation, commission_initial, commission_renewal, claim_handling;
};

static double qx[2][2][AGES]; /* [male, female][non-smoker, smoker] */
static double lapse[MAX_YEARS];
static struct expenses expenses;
static struct year portfolio[MAX_YEARS];

EXPORT(mortality) double *mortality_table(int sex, int smoker)
{
	return sex >= 0 && sex < 2 && smoker >= 0 && smoker < 2 ? qx[sex][smoker] : 0;
}

EXPORT(lapse) double *lapse_table(void)
{
	return lapse;
}

EXPORT(expenses) struct expenses *expense_table(void)
{
	return &expenses;
}

/* Where the MAX_YEARS years of the portfolio's cash flows are. */
EXPORT(cashflows) struct year *cashflow_table(void)
{
	return portfolio;
}

EXPORT(reset) void reset(void)
{
	for (int t = 0; t < MAX_YEARS; t++)
		portfolio[t] = (struct year){ 0 };
}

/* Add one policy to the portfolio. Returns its years, or 0 if it cannot be projected. */
EXPORT(project) int project(int sex, int smoker, int age, int term, double sum_assured, double premium)
{
	const double *table = mortality_table(sex, smoker);
	if (!table || age < FIRST_AGE || term < 1 || term > MAX_YEARS || age + term - 1 > LAST_AGE)
		return 0;

	double in_force = 1, maintenance = expenses.maintenance;
	for (int t = 0; t < term; t++) {
		struct year *year = &portfolio[t];
		double deaths = in_force * table[age + t - FIRST_AGE];
		double lapses = t < term - 1 ? (in_force - deaths) * lapse[t] : 0;

		year->in_force += in_force;
		year->premiums += in_force * premium;
		year->commission += in_force * premium * (t ? expenses.commission_renewal : expenses.commission_initial);
		year->expenses += in_force * (t ? maintenance : expenses.acquisition);
		year->claims += deaths * (sum_assured + expenses.claim_handling);
		year->deaths += deaths;

		in_force -= deaths + lapses;
		maintenance *= 1 + expenses.inflation;
	}
	return term;
}
