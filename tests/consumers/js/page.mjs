// A page in a browser: does everything fit, at every width, in light and dark?
//
//   node page.mjs PAGE.html [SCREENSHOTS]
//
// Drives headless Chromium through its pipe (--remote-debugging-pipe). Names what is wrong and exits 1;
// with SCREENSHOTS, a folder, the page as it was seen goes there. DEVICES in the environment: only that one.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [page, screenshots] = process.argv.slice(2);
const url = pathToFileURL(resolve(page)).href;
const profile = mkdtempSync(join(tmpdir(), "pannier-browser-"));
const browser = spawn("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe",
	"--hide-scrollbars", "--disable-background-networking", "--disable-component-update", `--user-data-dir=${profile}`],
	{ stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });

const waiting = new Map();
const events = [];
let number = 0, rest = "", session;
browser.stdio[4].setEncoding("utf8").on("data", (data) => {
	const parts = (rest + data).split("\0");
	rest = parts.pop();
	for (const message of parts.map((part) => JSON.parse(part))) {
		if (message.id === undefined)
			events.push(message);
		else if (message.error)
			waiting.get(message.id).reject(new Error(message.error.message));
		else
			waiting.get(message.id).resolve(message.result);
	}
});
const ask = (method, params = {}) => new Promise((good, bad) => {
	waiting.set(++number, { resolve: good, reject: bad });
	browser.stdio[3].write(JSON.stringify({ id: number, method, params, ...(session && { sessionId: session }) }) + "\0");
});
const event = async (method) => {
	while (!events.some((seen) => seen.method === method))
		await new Promise((done) => setTimeout(done, 20));
};

// Runs in the page. Boxes of text, each line of it one; what is wrong with them.
function look() {
	const faults = [], boxes = [], width = document.documentElement.clientWidth;
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	const numbers = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
	const light = (colour) => numbers(colour).map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const ground = light(getComputedStyle(document.documentElement).backgroundColor);
	for (let node; (node = walker.nextNode());) {
		if (node.data.trim() === "" || node.parentElement.localName === "title")
			continue;
		const range = document.createRange();
		range.selectNodeContents(node);
		for (const box of range.getClientRects())
			if (box.width > 0)
				boxes.push({ box, text: node.data.slice(0, 60), node, scroll: node.parentElement.closest(".scroll") });
		const style = getComputedStyle(node.parentElement);
		const [low, high] = [ground, light(node.parentElement.closest("svg") ? style.fill : style.color)].sort((a, b) => a - b);
		if ((high + 0.05) / (low + 0.05) < 4.5)
			faults.push(`hard to read: "${node.data.slice(0, 60)}"`);
	}
	if (document.documentElement.scrollWidth > width)
		faults.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${width}`);
	for (const scroll of document.querySelectorAll(".scroll"))
		if (getComputedStyle(scroll).overflowX !== "auto" || scroll.getBoundingClientRect().right > width || scroll.tabIndex !== 0)
			faults.push("what should scroll in its own place does not");
	boxes.sort((a, b) => a.box.top - b.box.top);
	for (let i = 0; i < boxes.length; i++) {
		const a = boxes[i];
		if (a.box.left < 0 || a.scroll === null && a.box.right > width + 0.5)
			faults.push(`outside: "${a.text}" from ${a.box.left} to ${a.box.right} of ${width}`);
		for (let j = i + 1; j < boxes.length && boxes[j].box.top < a.box.bottom - 2; j++) {
			const b = boxes[j];
			if (a.node !== b.node && Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1)
				faults.push(`overlap: "${a.text}" and "${b.text}"`);
		}
	}
	if (document.querySelector("script, iframe, img, object, link, form, base") !== null)
		faults.push("an element that has no place here");
	for (const element of document.querySelectorAll("*"))
		for (const { name } of element.attributes)
			if (/^on|^href$|^src$/.test(name))
				faults.push(`an attribute that has no place here: ${name}`);
	return { faults: [...new Set(faults)].slice(0, 20), boxes: boxes.length, ground };
}

// What a parser would forgive: every element is closed, in order; nothing of elsewhere; no script.
function readSource() {
	const source = readFileSync(resolve(page), "utf8"), open = [], faults = [];
	const style = source.match(/<style>([^<]*)<\/style>/)?.[1] ?? "";
	if (Buffer.byteLength(source) >= 1e6)
		faults.push(`${Buffer.byteLength(source)} bytes`);
	if (/@import|url\(|\/\//.test(style))
		faults.push("the style sheet asks for something");
	for (const [tag, close, name, attributes] of source.replace(style, "").matchAll(/<(\/?)([a-z][a-z0-9]*)([^<>]*)>/g)) {
		const names = [...attributes.matchAll(/ ([\w-]+)="[^"]*"/gi)].map((match) => match[1]);
		if (new Set(names).size < names.length || attributes.replace(/ [\w-]+="[^"]*"/gi, "").replace("/", "") !== "")
			faults.push(`attributes: ${tag}`);
		if (/:\/\/|url\(/.test(attributes))
			faults.push(`a place elsewhere: ${tag}`);
		if (close !== "" && open.pop() !== name)
			faults.push(`out of order: ${tag}`);
		if (close === "" && name !== "meta" && !attributes.endsWith("/"))
			open.push(name);
	}
	const strange = source.replace(style, "").replace(/<!DOCTYPE html>|<\/?[a-z][^<>]*>|&#\d+;/g, "").match(/[<&].{0,20}/);
	if (strange !== null)
		faults.push(`not escaped: ${strange[0]}`);
	return open.length > 0 ? [...faults, `left open: ${open}`] : faults;
}

let wrong = 0;
try {
	const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
	session = (await ask("Target.attachToTarget", { targetId, flatten: true })).sessionId;
	for (const domain of ["Page", "Network", "Runtime", "Log"])
		await ask(`${domain}.enable`);
	await ask("Emulation.setScriptExecutionDisabled", { value: true });
	for (const fault of readSource()) {
		console.log(`source: ${fault}`);
		wrong++;
	}
	const grounds = {};
	for (const [device, width, height] of [["desktop", 1280, 900], ["tablet", 820, 1100], ["phone", 390, 844], ["small phone", 320, 568]].filter(([name]) => name === (process.env.DEVICES ?? name)))
		for (const scheme of ["light", "dark"]) {
			const name = `${device}, ${scheme}`;
			await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: device.endsWith("phone") ? 2 : 1, mobile: device.endsWith("phone") });
			await ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
			events.length = 0;
			await ask("Page.navigate", { url });
			await event("Page.loadEventFired");
			const { result } = await ask("Runtime.evaluate", { expression: `(${look})()`, returnByValue: true });
			const { faults, boxes, ground } = result.value;
			grounds[scheme] = ground;
			if (boxes < 5)
				faults.push(`only ${boxes} boxes of text`);
			for (const seen of events) {
				if (seen.method === "Network.requestWillBeSent" && seen.params.request.url !== url)
					faults.push(`asks for ${seen.params.request.url}`);
				if (["Runtime.exceptionThrown", "Page.javascriptDialogOpening", "Log.entryAdded"].includes(seen.method))
					faults.push(JSON.stringify(seen.params));
			}
			for (const fault of faults)
				console.log(`${name}: ${fault}`);
			wrong += faults.length;
			if (screenshots) {
				const { data } = await ask("Page.captureScreenshot", { captureBeyondViewport: true });
				writeFileSync(join(screenshots, `${device}-${scheme}.png`), Buffer.from(data, "base64"));
			}
		}
	if (!(grounds.light > 0.8 && grounds.dark < 0.1)) {
		console.log(`the grounds of light and dark: ${grounds.light}, ${grounds.dark}`);
		wrong++;
	}
} finally {
	browser.kill();
	await new Promise((done) => browser.once("exit", done));
	rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(wrong === 0 ? 0 : 1);
