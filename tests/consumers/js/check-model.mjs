/*
 * usage: node check-model.mjs DIR
 *
 * Runs the term-life model in DIR (the sample, or a package of it that was
 * unpacked with its policies) and compares every step with a calculation of its
 * own: each policy from survival probabilities, scenarios with big integers.
 */
import assert from 'node:assert/strict';
import { projectPortfolio, readModel, summarize, valuation } from './model.mjs';

/** Equal up to rounding. */
function near(actual, expected, what, tolerance = 1e-9) {
	assert.ok(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
		`${what}: ${actual} instead of ${expected}`);
}

/** The cash flows of one policy in year t, from products over the years before it. */
function expectedYear(model, policy, t) {
	const qx = (k) => model.mortality.find(({ age, sex, smoker }) =>
		age === policy.age + k && sex === policy.sex && smoker === policy.smoker).qx;
	let inForce = 1;
	for (let k = 0; k < t; k++)
		inForce *= (1 - qx(k)) * (1 - model.lapse[k].rate);
	const e = model.expenses;
	const premiums = inForce * policy.annual_premium;
	const deaths = inForce * qx(t);
	return {
		inForce,
		premiums,
		commission: premiums * (t === 0 ? e.commission_initial : e.commission_renewal),
		expenses: inForce * (t === 0 ? e.acquisition : e.maintenance * (1 + e.inflation) ** t),
		claims: deaths * (policy.sum_assured + e.claim_handling),
		deaths,
	};
}

function expectedFlows(model, policies) {
	return Array.from({ length: 40 }, (_, t) => {
		const total = { inForce: 0, premiums: 0, commission: 0, expenses: 0, claims: 0, deaths: 0 };
		for (const policy of policies.filter(({ term }) => t < term))
			for (const [name, value] of Object.entries(expectedYear(model, policy, t)))
				total[name] += value;
		return total;
	});
}

/** The rates of a scenario, with the 64-bit arithmetic of BigInt. */
function expectedPath({ seed, interestRate: r }, index) {
	const u64 = (n) => BigInt.asUintN(64, n);
	let state = u64((BigInt(seed) << 32n) + BigInt(index) * 0x10001n);
	const uniform = () => {
		state = u64(state + 0x9e3779b97f4a7c15n);
		let z = u64((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
		z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
		return Number((z ^ (z >> 31n)) >> 11n) / 2 ** 53;
	};
	let next = r.initial;
	return Array.from({ length: 40 }, () => {
		const rate = Math.min(r.maxRate, Math.max(r.minRate, next));
		let normal = -6;
		for (let i = 0; i < 12; i++)
			normal += uniform();
		next = rate + r.drift + r.volatility * normal;
		return rate;
	});
}

function expectedValue(flows, rates) {
	let value = 0;
	flows.forEach((year, t) => {
		const discount = rates.slice(0, t).reduce((product, rate) => product / (1 + rate), 1);
		value += discount * (year.premiums - year.commission - year.expenses - year.claims / (1 + rates[t]));
	});
	return value;
}

function compareFlows(actual, expected, what) {
	assert.equal(actual.length, 40);
	actual.forEach((year, t) => {
		for (const [name, value] of Object.entries(expected[t]))
			near(year[name], value, `${what}, ${name} in year ${t}`);
	});
}

const model = await readModel(process.argv[2]);
assert.equal(model.policies.length, 1000);
assert.equal(model.mortality.length, 4 * 83);
assert.ok(model.mortality.every(({ qx }) => qx > 0 && qx <= 1), 'every qx is a probability');

// One policy that can be followed by hand, each figure of expectedYear written out.
const [policy] = model.policies;
assert.deepEqual(policy, { policy: 'TL000001', age: 38, sex: 'F', smoker: 'S', term: 10, sum_assured: 140000,
	annual_premium: 583.5 });
const single = await projectPortfolio(model, [policy]);
near(single[0].premiums, 583.5, 'first premium');
near(single[0].commission, 262.575, 'first commission');
near(single[0].expenses, 180, 'acquisition');
near(single[1].inForce, (1 - single[0].deaths) * (1 - 0.103), 'in force after a year');
near(single[1].expenses, single[1].inForce * 32 * 1.022, 'maintenance of the second year');
assert.equal(single[10].premiums, 0, 'nothing after the term');
console.log('ok: projection of one policy');

const flows = await projectPortfolio(model);
compareFlows(flows, expectedFlows(model, model.policies), 'portfolio');
console.log('ok: projection of 1,000 policies');
await assert.rejects(projectPortfolio(model, [{ ...policy, age: 17 }]), RangeError);
await assert.rejects(projectPortfolio(model, [{ ...policy, age: 70, term: 32 }]), RangeError);
console.log('ok: a policy outside the tables is refused');

const engine = await valuation(model, flows);
near(engine.at(0), expectedValue(flows, Array(40).fill(0)), 'value without interest');
near(engine.at(0.03), expectedValue(flows, Array(40).fill(0.03)), 'value at 3 %');
for (const index of [0, 1, 999])
	engine.path(index).forEach((rate, t) =>
		near(rate, expectedPath(model.config.scenarios, index)[t], `rate of scenario ${index} in year ${t}`, 1e-12));
const values = engine.scenarios();
assert.equal(values.length, 1000);
values.forEach((value, index) => {
	if (index % 50 === 0)
		near(value, expectedValue(flows, expectedPath(model.config.scenarios, index)), `value of scenario ${index}`);
});
console.log('ok: valuation in 1,000 scenarios');

const report = summarize(model, values);
const sum = (list) => list.reduce((total, value) => total + value, 0);
const sorted = [...values].sort((a, b) => a - b);
const mean = sum(values) / 1000;
assert.equal(report.count, 1000);
near(report.mean, mean, 'mean');
near(report.sd, Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / 999), 'standard deviation');
near(report.quantiles['0.5'], (sorted[499] + sorted[500]) / 2, 'median');
near(report.quantiles['0.05'], sorted[49] + 0.95 * (sorted[50] - sorted[49]), '5 % quantile', 1e-7);
near(report.tailMean, sum(sorted.slice(0, 50)) / 50, 'mean of the tail');
assert.ok(report.tailMean < report.quantiles['0.05'] && report.quantiles['0.05'] < report.mean);
console.log(`ok: summary (mean ${report.mean.toFixed(2)}, standard deviation ${report.sd.toFixed(2)})`);
