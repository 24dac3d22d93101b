/*
 * Engine "valuation": the present value of yearly cash flows under simulated
 * interest rates. A scenario is a path of one-year rates: the rate takes a step
 * of drift plus volatility times a random number each year, within limits.
 */
#include "engine.h"

struct rates {
	double initial, drift, volatility, min, max;
};

static struct rates rates;
static double start_flow[MAX_YEARS]; /* at the start of year t */
static double end_flow[MAX_YEARS];   /* at the end of year t */
static double path[MAX_YEARS];

EXPORT(rates) struct rates *rate_parameters(void)
{
	return &rates;
}

EXPORT(start_flows) double *start_flows(void)
{
	return start_flow;
}

EXPORT(end_flows) double *end_flows(void)
{
	return end_flow;
}

/* The rates of the scenario that was simulated last. */
EXPORT(path) double *rate_path(void)
{
	return path;
}

/* splitmix64: a counter, well mixed; scenarios need no state of each other. */
static double uniform(unsigned long long *state)
{
	unsigned long long z = *state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Nearly normal, mean 0 and variance 1: twelve uniforms, because there is no libm here. */
static double normal(unsigned long long *state)
{
	double sum = -6;
	for (int i = 0; i < 12; i++)
		sum += uniform(state);
	return sum;
}

static double clamp(double rate)
{
	return rate < rates.min ? rates.min : rate > rates.max ? rates.max : rate;
}

/* The rate path of scenario @index. */
EXPORT(simulate) void simulate(unsigned seed, unsigned index)
{
	unsigned long long state = ((unsigned long long)seed << 32) + index * 0x10001ull;
	double rate = rates.initial;
	for (int t = 0; t < MAX_YEARS; t++) {
		path[t] = rate = clamp(rate);
		rate += rates.drift + rates.volatility * normal(&state);
	}
}

/* The present value of the flows along the path. */
EXPORT(value) double value(void)
{
	double sum = 0, discount = 1;
	for (int t = 0; t < MAX_YEARS; t++) {
		sum += start_flow[t] * discount;
		discount /= 1 + path[t];
		sum += end_flow[t] * discount;
	}
	return sum;
}

/* The present value at one rate for all years. */
EXPORT(value_at) double value_at(double rate)
{
	for (int t = 0; t < MAX_YEARS; t++)
		path[t] = rate;
	return value();
}
