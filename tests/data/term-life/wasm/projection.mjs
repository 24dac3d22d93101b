/*
 * The projection engine for JavaScript: the wasm module with its tables as
 * typed arrays. Works in Node and in browsers.
 */
const YEARS = 40;
const FLOWS = ['inForce', 'premiums', 'commission', 'expenses', 'claims', 'deaths'];
const EXPENSES = ['acquisition', 'maintenance', 'inflation', 'commission_initial', 'commission_renewal',
	'claim_handling'];
export const FIRST_AGE = 18, LAST_AGE = 100;

async function bytesOf(source) {
	if (!(source instanceof URL))
		return source;
	if (source.protocol === 'file:')
		return (await import('node:fs/promises')).readFile(source);
	return (await fetch(source)).arrayBuffer();
}

/** @param source  a URL, or the bytes of the engine; the file beside this one if left out. */
export async function load(source = new URL('./projection.wasm', import.meta.url)) {
	const { instance } = await WebAssembly.instantiate(await bytesOf(source), {});
	const engine = instance.exports;
	const doubles = (address, length) => new Float64Array(engine.memory.buffer, address, length);

	return {
		/** rows: { age, sex: 'M'|'F', smoker: 'N'|'S', qx } */
		setMortality(rows) {
			for (const { age, sex, smoker, qx } of rows) {
				const table = doubles(engine.mortality(Number(sex === 'F'), Number(smoker === 'S')),
					LAST_AGE - FIRST_AGE + 1);
				table[age - FIRST_AGE] = qx;
			}
		},
		/** rows: { year, rate }, years from 1 */
		setLapse(rows) {
			const table = doubles(engine.lapse(), YEARS);
			for (const { year, rate } of rows)
				table[year - 1] = rate;
		},
		/** an object with the items of expenses.csv */
		setExpenses(items) {
			doubles(engine.expenses(), EXPENSES.length).set(EXPENSES.map((name) => items[name]));
		},
		/** Sum the cash flows of policies { sex, smoker, age, term, sum_assured, annual_premium }: a list of years. */
		project(policies) {
			engine.reset();
			for (const p of policies)
				if (!engine.project(Number(p.sex === 'F'), Number(p.smoker === 'S'), p.age, p.term,
					p.sum_assured, p.annual_premium))
					throw new RangeError(`policy ${p.policy ?? JSON.stringify(p)} cannot be projected`);
			const flows = doubles(engine.cashflows(), YEARS * FLOWS.length);
			return Array.from({ length: YEARS }, (_, t) =>
				Object.fromEntries(FLOWS.map((name, i) => [name, flows[t * FLOWS.length + i]])));
		},
	};
}
