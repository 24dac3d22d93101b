/*
 * Run a term-life model from a folder, as a worker would: the wasm engines in
 * this process, the Python step in one of its own, the values of one on the
 * inputs of the next.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A CSV file as a list of objects; what looks like a number is one. */
export async function table(file) {
	const [head, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n').map((line) => line.split(','));
	return lines.map((cells) => Object.fromEntries(cells.map((cell, i) => [head[i],
		cell !== '' && !Number.isNaN(Number(cell)) ? Number(cell) : cell])));
}

const path = (reference) => reference.replace(/^local:\/\//, '');

/** The config and its tables. */
export async function readModel(dir) {
	const config = JSON.parse(await readFile(join(dir, 'livecalc.config.json'), 'utf8'));
	const read = (reference) => table(join(dir, path(reference)));
	const expenses = await read(config.assumptions.expenses);
	return {
		dir: resolve(dir),
		config,
		mortality: await read(config.assumptions.mortality),
		lapse: await read(config.assumptions.lapse),
		expenses: Object.fromEntries(expenses.map(({ item, value }) => [item, value])),
		policies: await read(config.policies),
	};
}

/** Engine "projection", through its wrapper: the portfolio's cash flows, a list of years. */
export async function projectPortfolio(model, policies = model.policies) {
	const { load } = await import(pathToFileURL(join(model.dir, 'wasm/projection.mjs')));
	const engine = await load();
	engine.setMortality(model.mortality);
	engine.setLapse(model.lapse);
	engine.setExpenses(model.expenses);
	return engine.project(policies);
}

/** Engine "valuation", without a wrapper: an object of functions over one portfolio's cash flows. */
export async function valuation(model, flows) {
	const bytes = await readFile(join(model.dir, 'wasm/valuation.wasm'));
	const { exports: engine } = await WebAssembly.instantiate(await WebAssembly.compile(bytes), {});
	const doubles = (address, length) => new Float64Array(engine.memory.buffer, address, length);
	const { initial, drift, volatility, minRate, maxRate } = model.config.scenarios.interestRate;
	doubles(engine.rates(), 5).set([initial, drift, volatility, minRate, maxRate]);
	doubles(engine.start_flows(), flows.length).set(flows.map((y) => y.premiums - y.commission - y.expenses));
	doubles(engine.end_flows(), flows.length).set(flows.map((y) => -y.claims));
	return {
		at: engine.value_at,
		path(index) {
			engine.simulate(model.config.scenarios.seed, index);
			return Array.from(doubles(engine.path(), flows.length));
		},
		scenarios: () => Array.from({ length: model.config.scenarios.count }, (_, index) => {
			engine.simulate(model.config.scenarios.seed, index);
			return engine.value();
		}),
	};
}

/** Step "summary", in Python. */
export function summarize(model, values) {
	const { config } = model.config.pipeline.nodes.find(({ id }) => id === 'summary');
	const run = spawnSync('python3', [join(model.dir, 'python/summary.py')],
		{ input: JSON.stringify({ values, config }), encoding: 'utf8' });
	if (run.status !== 0)
		throw new Error(`python3 summary.py: ${run.error ?? run.stderr}`);
	return JSON.parse(run.stdout);
}
