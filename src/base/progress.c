#include "base/progress.h"
#include "base/clock.h"

#define REPORT_EVERY 0.05

const char *pnr_phase_name(pnr_phase phase)
{
	static const char *const names[] = {
		[PNR_PHASE_HASH] = "hash",
		[PNR_PHASE_WRITE] = "write",
		[PNR_PHASE_VERIFY] = "verify",
		[PNR_PHASE_UNPACK] = "unpack",
		[PNR_PHASE_FETCH] = "fetch",
		[PNR_PHASE_SEND] = "send",
		[PNR_PHASE_COMPARE] = "compare",
	};
	unsigned index = (unsigned)phase;
	return index < PNR_COUNT(names) ? names[index] : "unknown";
}

static pnr_status report(pnr_meter *meter, const char *asset, pnr_error *err)
{
	const pnr_progress progress = {
		.size = sizeof progress,
		.phase = meter->phase,
		.asset = asset,
		.bytes_done = meter->done,
		.bytes_total = meter->total,
	};
	if (meter->fn(meter->user, &progress) != 0)
		return pnr_fail(err, PNR_CANCELLED, "cancelled");
	return PNR_OK;
}

pnr_status pnr_meter_begin(pnr_meter *meter, pnr_phase phase, uint64_t total, pnr_error *err)
{
	if (meter == NULL || meter->fn == NULL)
		return PNR_OK;
	meter->phase = phase;
	meter->done = 0;
	meter->total = total;
	meter->last = pnr_clock_monotonic();
	return report(meter, NULL, err);
}

pnr_status pnr_meter_add(pnr_meter *meter, const char *asset, uint64_t bytes, pnr_error *err)
{
	if (meter == NULL || meter->fn == NULL)
		return PNR_OK;
	meter->done += bytes;
	double now = pnr_clock_monotonic();
	if (now - meter->last < REPORT_EVERY)
		return PNR_OK;
	meter->last = now;
	return report(meter, asset, err);
}

pnr_status pnr_meter_end(pnr_meter *meter, pnr_error *err)
{
	if (meter == NULL || meter->fn == NULL)
		return PNR_OK;
	return report(meter, NULL, err);
}
